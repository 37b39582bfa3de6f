// Precompiled: CLI11 takes several seconds a file to compile.
#pragma once

#include <CLI/CLI.hpp>
