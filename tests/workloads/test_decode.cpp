// The kind decode.
#include <doctest/doctest.h>
