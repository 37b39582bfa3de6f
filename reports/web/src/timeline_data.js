// The slices of a timeline, by track and by row, ready to be drawn and asked. Data: timeline_data() of reports/page/picture_data.h.

/** "network (3)" is the third line of "network": lines of one name are one row. */
function nameOf(track) { return track.replace(/ \(\d+\)$/, ""); }

/** {rows: [{rank, name, lanes}], lanes: [{start, end, name, moves, parts: arrays}], names: [{name, time, count, moves}], to}; times in us. */
export function read(data) {
  const rows = [], lanes = [], names = data.names.map((name, i) => ({ i, name, time: 0, count: 0, moves: false }));
  let to = 0;
  data.slices.forEach((packed, t) => {
    const [rank, track] = data.tracks[t], n = packed.length / 4, us = data.unit_ns / 1e3;
    const lane = { start: new Float64Array(n), end: new Float64Array(n), name: new Uint32Array(n), moves: new Uint8Array(n), parts: new Uint32Array(n) };
    for (let i = 0, at = 0; i < n; ++i) {
      lane.start[i] = (at += packed[4 * i]) * us;
      lane.end[i] = (at += packed[4 * i + 1]) * us;
      lane.name[i] = packed[4 * i + 2] >> 1;
      lane.moves[i] = packed[4 * i + 2] & 1;
      lane.parts[i] = packed[4 * i + 3];
      const of = names[lane.name[i]];
      of.time += lane.end[i] - lane.start[i];
      of.count += lane.parts[i];
      of.moves = of.moves || lane.moves[i] === 1;
      to = Math.max(to, lane.end[i]);
    }
    const last = rows[rows.length - 1], name = nameOf(track);
    if (last && last.rank === rank && last.name === name) last.lanes.push(lane);
    else rows.push({ rank, name, lanes: [lane] });
    lanes.push(lane);
  });
  return { rows, lanes, names, to: to || 1, left_out: data.left_out };
}

/** The first slice of a lane that ends after a time. */
export function firstAfter(lane, at) {
  let low = 0, high = lane.end.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (lane.end[mid] <= at) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Part of each of `n` stretches of the whole that computation, and transfers, take on one of the rows at least: for the small map. */
export function density(model, n) {
  const busy = [new Float32Array(n), new Float32Array(n)], each = model.to / n;
  for (const lane of model.lanes) {
    for (let i = 0; i < lane.start.length; ++i) {
      const first = Math.min(n - 1, Math.floor(lane.start[i] / each)), last = Math.min(n - 1, Math.floor(lane.end[i] / each));
      for (let b = first; b <= last; ++b) busy[lane.moves[i]][b] += (Math.min(lane.end[i], (b + 1) * each) - Math.max(lane.start[i], b * each)) / each;
    }
  }
  return busy;
}

/** Time by rank, row and name, the longest first: what the table says. */
export function totals(model) {
  const found = new Map();
  for (const row of model.rows) {
    for (const lane of row.lanes) {
      for (let i = 0; i < lane.start.length; ++i) {
        const key = row.rank + "\n" + row.name + "\n" + lane.name[i];
        const sum = found.get(key) || { rank: row.rank, row: row.name, name: model.names[lane.name[i]].name, count: 0, time: 0, first: lane.start[i] };
        sum.count += lane.parts[i];
        sum.time += lane.end[i] - lane.start[i];
        sum.first = Math.min(sum.first, lane.start[i]);
        found.set(key, sum);
      }
    }
  }
  return [...found.values()].sort((a, b) => b.time - a.time);
}
