// The templates of gemm_forms.h: one set of functions a family, since a form holds plain function pointers.
#pragma once

#include "models/kernels/gemm_forms.h"
#include "models/kernels/tiles.h"

namespace weft::models {

inline std::vector<double> features_of(const GemmShape& s, const Gpu& gpu, const Tiling& t) {
  return wave_features(s, gpu, t.rows, t.columns, t.waves, t.tiles);
}

template <ReadGemm Read>
std::vector<double> GemmForms<Read>::fixed(const KernelCall& c, const Gpu& g) {
  const GemmShape s = Read(c, g);
  return features_of(s, g, fixed_tiling(s.groups, s.m, s.n, s.sms));
}

template <ReadGemm Read>
std::vector<double> GemmForms<Read>::early_2025(const KernelCall& c, const Gpu& g) {
  const GemmShape s = Read(c, g);
  return features_of(s, g, deepgemm_2025_02_tiling(s.groups, s.m, s.n, s.sms, s.contiguous));
}

template <ReadGemm Read>
std::vector<double> GemmForms<Read>::april_2025(const KernelCall& c, const Gpu& g) {
  const GemmShape s = Read(c, g);
  return features_of(s, g, deepgemm_2025_04_tiling(s.groups, s.m, s.n, s.sms, s.contiguous));
}

template <ReadGemm Read>
std::vector<double> GemmForms<Read>::library(const KernelCall& c, const Gpu& g) {
  const GemmShape s = Read(c, g);
  return features_of(s, g, library_tiling(s.groups, s.m, s.n, s.k, s.sms));
}

template <ReadGemm Read>
std::vector<KernelForm> GemmForms<Read>::all() {
  const auto wave = [](const char* name, const char* title, auto features) {
    KernelForm f;
    f.name = name;
    f.title = title;
    f.formula = "t0 + [(waves (blocks max(ideal / efficiency, tau) + te area))^q + (bytes / (b HBM))^q]^(1/q)";
    f.parameters = wave_parameters();
    f.features = features;
    f.time_us = wave_time;
    f.figures = wave_figures;
    f.place = wave_place;
    return f;
  };
  KernelForm late;
  late.name = "deepgemm_2026";
  late.title = "tiles by DeepGEMM's cycle estimate of 2026, with multicast, spills, rows out of bounds and the cast of the activation";
  late.formula = "t0 + cl multicast + cast / c + [(waves (blocks per + te area) hot + oob)^q + (bytes / (b HBM))^q]^(1/q)";
  late.parameters = deepgemm_2026_parameters();
  late.features = year_2026;
  late.time_us = deepgemm_2026_time;
  late.figures = deepgemm_2026_figures;
  late.place = deepgemm_2026_place;
  KernelForm vendor = wave("library", "tiles of 64, 128 and 256 that move least", library);
  vendor.variants = {"fp8", "bfloat16"};   // scales per block are not a vendor library's
  return {wave("deepgemm_2025_02", "tiles by DeepGEMM's rule of February 2025", early_2025),
          wave("deepgemm_2025_04", "tiles by DeepGEMM's rule of April 2025", april_2025),
          wave("tile_128", "tiles of 128 x 128", fixed), vendor, late};
}

}  // namespace weft::models
