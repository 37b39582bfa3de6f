// Formulas for the time of matrix multiplications: tiles in waves over SMs against memory, and DeepGEMM of 2026 in detail.
#pragma once

#include <string>
#include <vector>

#include "models/kernels/kernel.h"

namespace weft::models {

/// A multiplication as the formulas see it, whatever family it belongs to.
struct GemmShape {
  double groups = 1, m = 0, n = 0, k = 0, sms = 0;   ///< m: rows per group
  double input_bytes = 1;                            ///< per element of both inputs
  double output_bytes = 2;                           ///< per element of the output, read and written
  double peak = 0;                                   ///< FLOP/s of all SMs of the GPU
  double all_sms = 132;
  bool contiguous = false, masked = false;
  bool casts = false;                                ///< the BF16 activation is cast to FP8 in the measured time
};

/// The call's numbers; a family supplies it. SMs: those given, else all of the GPU.
using ReadGemm = GemmShape (*)(const KernelCall& call, const Gpu& gpu);

double gemm_flops(const GemmShape& s);
double gemm_bytes(const GemmShape& s);
/// Tensor cores (scaled by the SMs) and HBM.
std::vector<Demand> gemm_demands(const GemmShape& s, const Gpu& gpu, const std::string& cores);

/// t0 + [ (w (nk max(u / e, tau) + te a))^q + (bytes / (b HBM))^q ]^(1/q): w waves, nk blocks of 128 along k, u the ideal time of a tile's
/// block, a its area over 128 x 128.
std::vector<FormParameter> wave_parameters();
double wave_time(const double* features, const double* parameters);
std::vector<Figure> wave_figures(const double* features, const double* parameters);
std::vector<double> wave_features(const GemmShape& s, const Gpu& gpu, double rows, double columns, double waves, double tiles);
std::vector<double> wave_place(const double* features);

/// DeepGEMM of 2026 as SGLang calls it. See gemm_deepgemm_2026.cpp.
std::vector<FormParameter> deepgemm_2026_parameters();
double deepgemm_2026_time(const double* features, const double* parameters);
std::vector<Figure> deepgemm_2026_figures(const double* features, const double* parameters);
std::vector<double> deepgemm_2026_features(const GemmShape& s, const Gpu& gpu);
std::vector<double> deepgemm_2026_place(const double* features);

/// The forms of a family that reads its shape with `Read`.
template <ReadGemm Read>
struct GemmForms {
  static std::vector<double> fixed(const KernelCall& c, const Gpu& g);
  static std::vector<double> early_2025(const KernelCall& c, const Gpu& g);
  static std::vector<double> april_2025(const KernelCall& c, const Gpu& g);
  static std::vector<double> library(const KernelCall& c, const Gpu& g);
  static std::vector<double> year_2026(const KernelCall& c, const Gpu& g) { return deepgemm_2026_features(Read(c, g), g); }

  static std::vector<KernelForm> all();
};

}  // namespace weft::models

#include "models/kernels/gemm_forms_impl.h"
