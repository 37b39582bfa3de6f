// The kind prefill.
#include <doctest/doctest.h>
