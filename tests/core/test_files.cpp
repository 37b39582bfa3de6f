// Files: nothing a user had is lost, names do not leave their folder.
#include <doctest/doctest.h>

#include <filesystem>
#include <iterator>

#include <unistd.h>

#include "sim/core/error.h"
#include "sim/core/files.h"

using namespace weft;
namespace fs = std::filesystem;

namespace {
struct TempFolder {
  fs::path path = fs::temp_directory_path() / ("weft-test-" + std::to_string(::getpid()));
  TempFolder() { fs::create_directories(path); }
  ~TempFolder() { fs::remove_all(path); }
};
}  // namespace

TEST_CASE("a file is replaced whole, and no temporary file stays behind") {
  TempFolder t;
  const fs::path f = t.path / "out.json";
  write_file_atomically(f, "old");
  write_file_atomically(f, "new");
  CHECK(read_file(f.string(), 100) == "new");
  CHECK(std::distance(fs::directory_iterator(t.path), fs::directory_iterator{}) == 1);
}

TEST_CASE("a folder that does not exist is a failed run that names the file") {
  CHECK_THROWS_AS(write_file_atomically("/nonexistent-folder/x.json", "text"), RunError);
}

TEST_CASE("unreadable inputs are user errors") {
  TempFolder t;
  CHECK_THROWS_WITH_AS(read_file((t.path / "none").string(), 100), doctest::Contains("no such file"), UserError);
  CHECK_THROWS_WITH_AS(read_file(t.path.string(), 100), doctest::Contains("this is a folder"), UserError);
  write_file_atomically(t.path / "big", std::string(2 << 20, 'x'));
  CHECK_THROWS_WITH_AS(read_file((t.path / "big").string(), 1 << 20), doctest::Contains("larger than 1 MiB"), UserError);
}

TEST_CASE("a data file is found in the first place that has it, and a name is no path") {
  TempFolder t;
  fs::create_directories(t.path / "a/topology/data");
  fs::create_directories(t.path / "b/topology/data");
  write_file_atomically(t.path / "b/topology/data/x.json", "{}");
  write_file_atomically(t.path / "b/secret.json", "{}");
  const DataPlaces places({t.path / "a", t.path / "b"});
  CHECK(places.find("topology/data", "x") == t.path / "b/topology/data/x.json");
  CHECK(places.find("topology/data", "y").empty());
  CHECK(places.find("topology/data", "../../secret").empty());
  CHECK(places.names("topology/data") == std::vector<std::string>{"x"});
}
