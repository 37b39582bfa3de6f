// A WebPage: what `weft report` draws of results, as one self-contained HTML file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "sim/analysis/explain/explanation.h"

namespace weft::reports {

/// A network to draw: switches in tiers and groups (planes, pods), bundles of cables between them. Many nodes are drawn as a few and "and 250 more".
struct NetworkPicture {
  struct Switch {
    std::string name;        ///< "plane0.spine3"; of several drawn as one "plane0.leaf0 to plane0.leaf3"
    std::uint32_t tier = 0;  ///< 0 leaf, 1 spine, 2 core
    std::uint32_t group = 0; ///< plane, rail, pod or group; as Vertex::group
    std::uint32_t endpoints = 0;   ///< NICs attached
    std::uint32_t endpoints_down = 0;   ///< of them, those whose cable is down
    std::uint32_t members = 1;     ///< switches that this one stands for
    bool failed = false;
    double out = 0, in = 0;        ///< utilisation of the fullest cable to a NIC, 0 to 1: out of the NIC, into it
  };
  /// Cables from one switch to another; `from` and `to` are places in `switches`, `to` in a higher tier or the same. Of switches that are drawn as one,
  /// those among themselves go from it to itself.
  struct Bundle {
    std::uint32_t from = 0, to = 0, cables = 1, failed = 0;
    double up = 0, down = 0;         ///< utilisation of the fullest cable, 0 to 1, each way
  };
  std::string title;                 ///< "MPFT: 8 planes of radix 64"
  std::uint32_t nodes = 0, nics_per_node = 0;
  std::vector<Switch> switches;
  std::vector<Bundle> bundles;
  std::vector<std::string> failed;   ///< parts that are down, by name
};

/// Slices to zoom into: tracks of ranks.
struct TimelinePicture {
  struct Track {
    std::string rank, name;          ///< "rank 3 (node0.gpu3)", "compute"
  };
  struct Slice {
    std::uint32_t track = 0;
    double start_us = 0, end_us = 0;
    std::uint32_t name = 0;          ///< place in `names`
    bool moves = false;              ///< a transfer
    std::uint32_t parts = 1;         ///< alike, at the same time, on lines beside one another: drawn as one
  };
  std::vector<Track> tracks;
  std::vector<std::string> names;
  std::vector<Slice> slices;         ///< at most what fits a page; in order of (track, start)
  std::uint64_t left_out = 0;        ///< slices that were dropped to stay below that: the shortest
  std::uint32_t ranks = 0, of_ranks = 0;   ///< that are drawn, of so many; 0: not known
};

/// A case told in full.
struct Story {
  std::string of;                    ///< "MPFT/all_to_all[gpus=128,size_B=1073741824]"
  analysis::Explanation why;
  NetworkPicture network;
  TimelinePicture timeline;
};

/// A curve beside expected points.
struct Curve {
  std::string title, x_name, y_name; ///< names are columns with their units
  bool x_log = false, y_log = false;
  struct Line {
    std::string name;
    std::vector<double> x, y, low, high;   ///< low and high are empty, or a band
  };
  struct Point {
    std::string name, source;
    double x = 0, y = 0, tolerance_pct = 0;
    bool pass = true;
  };
  std::vector<Line> lines;
  std::vector<Point> published;
};

/// What gave an answer that nothing was simulated for step by step, and what made it so.
struct Reason {
  std::string of, found_by;
  std::string why;                   ///< a sentence; empty: its rows say all
};

/// One result on the page.
struct PagePart {
  Report report;
  std::string file;                  ///< as the user named it, without folders
  std::string command;               ///< repeats it where its file is
  std::string from_here;             ///< computes it from the page's JSON, saved as scenario.json; empty: not said
  std::vector<Story> stories;
  std::vector<Reason> reasons = {};  ///< where there are no stories
  std::vector<Curve> curves;
};

struct WebPage {
  std::vector<PagePart> parts;
  std::vector<Listing> tornados;     ///< results of `weft sensitivity` (schema weft-sensitivity/1)
  std::vector<Listing> sweeps;       ///< of `weft sweep`, with a front when asked for (schema weft-sweep/1)
  std::string x, y;                  ///< columns of the front; empty: no front
  std::string command;               ///< makes the page again
};

/// The page, ending in a newline. Throws RunError when a cell cannot be shown; UserError when the page parts say nothing.
std::string html_page(const WebPage& page);

/// False: weft was built without the chart library (Meson feature `report`), and html_page() throws.
bool can_draw_pages();

}  // namespace weft::reports
