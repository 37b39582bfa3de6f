// Which tile of the output a GEMM library gives to one SM: the published rules, as functions of the shape.
#pragma once

namespace weft::models {

/// What a rule decides for one GEMM.
struct Tiling {
  double rows = 128, columns = 128;   ///< of the output, per tile
  bool multicast = false;             ///< two SMs share what they load
  double shared_rows = 1;             ///< SMs that share a load of the right matrix (along m)
  double shared_columns = 1;          ///< SMs that share a load of the left matrix (along n)
  double tiles = 0;                   ///< in all groups
  double waves = 0;                   ///< ceil(tiles / SMs)
};

/// 128 x 128, as the training kernels of DeepSeek's profile-data.
Tiling fixed_tiling(double groups, double m, double n, double sms);

/// DeepGEMM's get_best_configs of February 2025: rows 64 up to m = 64, else 128; columns 16, 24, ... up to 128: fewest waves, then the
/// fullest last wave, then the widest. `contiguous`: rows 128 always.
Tiling deepgemm_2025_02_tiling(double groups, double m, double n, double sms, bool contiguous);

/// The same of April 2025: columns up to 160.
Tiling deepgemm_2025_04_tiling(double groups, double m, double n, double sms, bool contiguous);

/// DeepGEMM of 2026: the tile (rows 16, 32, 64, 128, 256; columns 16 ... 192) and multicast whose shared-memory and L2 traffic take the fewest
/// cycles by the library's own estimate, with wave quantisation. `contiguous`: rows 128 always; `masked`: rows 64 or 128.
Tiling deepgemm_2026_tiling(double groups, double m, double n, double k, double sms, bool contiguous, bool masked);

/// A vendor library with tiles of 64, 128 and 256 (not 256 both ways): the same estimate for BF16.
Tiling library_tiling(double groups, double m, double n, double k, double sms);

}  // namespace weft::models
