/* The C ABI between weft and a module that runs kernels: one exported symbol gives a table of functions.
 *
 * Plain C, no allocation crosses it: texts are copied into the caller's buffers or belong to the module and live as long as it.
 * Every function returns a WEFT_MEASURE_* status; for all but WEFT_MEASURE_OK the session's error() says why, in one sentence. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Changes whenever a struct or a meaning changes; weft refuses a module of another version. */
#define WEFT_MEASURE_ABI_VERSION 2
/** The exported symbol: `const weft_measure_module* weft_measure_entry(void)`. */
#define WEFT_MEASURE_ENTRY "weft_measure_entry"

enum {
  WEFT_MEASURE_OK = 0,
  WEFT_MEASURE_FAILED = 1,    /* a call failed: the device is lost, memory is out */
  WEFT_MEASURE_REFUSED = 3,   /* this shape cannot be run here: too large, not aligned, too few GPUs; others may */
  WEFT_MEASURE_NOT_HERE = 77  /* this machine cannot do it: no driver, no GPU, driver too old */
};

typedef struct weft_measure_session weft_measure_session;

typedef struct weft_measure_device {
  char name[128];            /* as the driver prints it: "NVIDIA H100 80GB HBM3" */
  char driver[32];           /* the newest CUDA that the driver runs, and the driver's own version where NVML says it */
  char runtime[32];          /* CUDA runtime that the module was built with */
  int32_t sms;
  int32_t gpus;              /* visible GPUs, this one included */
  int64_t memory_bytes;
  int64_t l2_bytes;
  double sm_clock_mhz;       /* highest; 0: not known */
  double memory_clock_mhz;   /* highest; 0: not known */
  int32_t simulated;         /* 1: nothing real was timed */
  char parameters[512];      /* what its times depend on beside the machine, all of it: "noise=0.01,seed=1"; empty: nothing */
} weft_measure_device;

/** A kernel that the module has: a family and a variant of models/kernels. */
typedef struct weft_measure_kernel {
  const char* family;           /* "gemm" */
  const char* variant;          /* "fp8_block" */
  const char* fields;           /* in the order of prepare's values; "m n k sms=0": sms may be left out and is 0 then */
  const char* implementation;   /* what is run: "cuBLASLt, 1x128 by 128x128 scales" */
} weft_measure_kernel;

typedef struct weft_measure_verification {
  double max_error;     /* largest error against the CPU reference, in the unit of the rule */
  double tolerance;     /* the kernel agrees when max_error is at most this */
  int64_t checked;      /* values that were compared */
  char rule[128];       /* what the error is: "|difference| / (largest sum of |products|)" */
} weft_measure_verification;

/** What run_batch is asked for and gives back. */
typedef struct weft_measure_batch {
  int32_t samples;      /* in: how many times to run */
  int32_t cold_l2;      /* in: 1: the L2 cache holds nothing of the operands before each sample */
  int32_t graph;        /* in: 1: replay a CUDA graph where the kernel allows; out: whether one was replayed */
  double* times_us;     /* out: [samples], microseconds, in the order of the runs */
} weft_measure_batch;

typedef struct weft_measure_clocks {
  int32_t known;            /* 0: nothing below is known (no NVML) */
  double sm_mhz;            /* now */
  double memory_mhz;        /* now */
  char throttle[256];       /* reasons that hold the clocks down, comma separated: "sw_power_cap"; empty: none */
} weft_measure_clocks;

typedef struct weft_measure_module {
  uint32_t abi;             /* WEFT_MEASURE_ABI_VERSION */
  const char* name;         /* "cuda", "simulated" */
  const char* version;      /* of the module, in words */

  /** All kernels of the module, whether or not this machine can run them. */
  const weft_measure_kernel* (*kernels)(int32_t* count);
  /** Opens the device. `parameters` is the module's own text, may be empty. The session is given back even where opening
   *  failed, so that error() can be asked; close() it in any case. Null only when there is no memory. */
  int (*open)(const char* parameters, weft_measure_session** session);
  void (*close)(weft_measure_session* session);
  const char* (*error)(const weft_measure_session* session);
  int (*device)(weft_measure_session* session, weft_measure_device* into);
  /** Allocates kernel number `kernel` of kernels() at a shape and fills its operands with random data; `values` in the order of its fields.
   *  What was prepared before is freed. */
  int (*prepare)(weft_measure_session* session, int32_t kernel, const double* values, int32_t count);
  /** Runs the prepared kernel once and compares with the CPU reference. */
  int (*verify)(weft_measure_session* session, weft_measure_verification* into);
  int (*run_batch)(weft_measure_session* session, weft_measure_batch* batch);
  /** Reads clocks and throttle reasons; never changes them. */
  int (*clocks)(weft_measure_session* session, weft_measure_clocks* into);
  /** Frees what was prepared. */
  void (*release)(weft_measure_session* session);
} weft_measure_module;

typedef const weft_measure_module* weft_measure_entry_function(void);

#ifdef __cplusplus
}
#endif
