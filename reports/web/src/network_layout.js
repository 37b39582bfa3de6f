// Where the parts of a network are drawn: trees in tiers, planes beside one another, groups of routers in a ring.

const BOX = 22, TIER = 92, STUB = 26, STRIP = 19, HEAD = 22;

/** Parts without cables between them: planes, the storage network. Switches of a group belong together. */
function parts(net) {
  const parent = net.switches.map((_, i) => i), groups = new Map();
  const root = (i) => { while (parent[i] !== i) i = parent[i] = parent[parent[i]]; return i; };
  const join = (a, b) => { const [x, y] = [root(a), root(b)]; parent[Math.max(x, y)] = Math.min(x, y); };
  for (const s of net.switches) {
    if (groups.has(s.group)) join(groups.get(s.group), s.number);
    else groups.set(s.group, s.number);
  }
  for (const b of net.bundles) join(b.from, b.to);
  const found = new Map();
  for (const s of net.switches) {
    const r = root(s.number);
    if (!found.has(r)) found.set(r, { switches: [], bundles: [] });
    found.get(r).switches.push(s);
  }
  for (const b of net.bundles) found.get(root(b.from)).bundles.push(b);
  return [...found.values()];
}

function groupWord(name) { return name.includes(".") ? name.split(".")[0].replace(/(\d+)$/, " $1").replace(/_/g, " ") : ""; }
function numberOf(name) { const found = name.match(/(\d+)$/); return found ? found[1] : ""; }
function percent(ratio) { return Math.round(100 * ratio) + " %"; }
function most(values) { return values.reduce((a, b) => Math.max(a, b), 0); }

/** "plane 3", or the word for all when the part has several groups. */
function nameOf(part, alone) {
  const groups = new Set(part.switches.map((s) => s.group));
  if (groups.size === 1 && !alone) return groupWord(part.switches[0].name) || "network";
  return part.switches[0].name.startsWith("storage_") ? "storage network" : "";
}

function facts(part) {
  const nics = part.switches.reduce((sum, s) => sum + s.endpoints, 0);
  return { nics, cables: most(part.bundles.flatMap((b) => [b.up, b.down])), nic: most(part.switches.flatMap((s) => [s.out, s.in])) };
}

function usedText(part, f) {
  if (part.switches.every((s) => s.failed)) return "down";
  const upTo = (used) => (used < 0.0005 ? "unused" : "up to " + percent(used));
  return "cables " + upTo(f.cables) + ", NICs " + upTo(f.nic);
}

function said(name, part) {
  const f = facts(part), down = part.switches.filter((s) => s.failed).map((s) => s.name);
  return (name || "network") + ": " + part.switches.length + " boxes, " + f.nics + " NICs; fullest cable between switches " + percent(f.cables) + ", to a NIC " + percent(f.nic) + (down.length ? "; down: " + down.join(", ") : "");
}

/** A row of boxes; groups stand a little apart. Gives places by number of the switch. */
function row(switches, width, y, places, label) {
  const groups = new Set(switches.map((s) => s.group)).size;
  const gap = groups > 1 && switches.length > groups ? Math.min(14, width / groups / 6) : 0;
  const room = (width - gap * (groups - 1)) / switches.length, w = Math.max(1.5, Math.min(34, room * 0.78));
  let at = 0, before = null;
  for (const s of switches) {
    if (before !== null && before !== s.group) at += gap;
    places.set(s.number, { x: at + room / 2, y, w, h: BOX, failed: s.failed, label: w >= 17 ? (s.members === 1 ? label(s) : "\u00d7" + s.members) : "", inside: 0, group: s.group, left: at, right: at + room });
    at += room;
    before = s.group;
  }
}

/** Words below a row for its groups, where they have room. */
function groupTexts(switches, places, y) {
  const spans = new Map();
  for (const s of switches) {
    const p = places.get(s.number), span = spans.get(s.group) || { text: groupWord(s.name), left: p.left, right: p.right };
    span.right = p.right;
    spans.set(s.group, span);
  }
  if (spans.size < 2) return [];
  return [...spans.values()].filter((s) => s.text && s.right - s.left > 6.4 * s.text.length).map((s) => ({ x: (s.left + s.right) / 2, y, anchor: "middle", text: s.text }));
}

const TIER_WORDS = { leaf: "leaves", spine: "spines", edge: "edge", agg: "aggregation", core: "core", router: "routers", switch: "switches" };
function tierWord(s) {
  const word = s.name.split(" ")[0].split(".").pop().replace(/\d+$/, "").replace(/^storage_/, "");
  return TIER_WORDS[word] || word;
}

function tree(part, width, alone, net) {
  const tiers = [...new Set(part.switches.map((s) => s.tier))].sort((a, b) => b - a), name = nameOf(part, alone), places = new Map(), texts = [];
  const f = facts(part), head = name ? HEAD : 4, words = alone && width > 620 ? 92 : 0;
  if (name) texts.push({ x: 0, y: 13, text: name, strong: true, bold: true });
  if (name && width > 215) texts.push({ x: width, y: 13, anchor: "end", text: usedText(part, f) });
  const inner = width - words - 4, crowd = most(tiers.map((t) => part.switches.filter((s) => s.tier === t).length));
  const apart = alone ? Math.max(TIER, Math.min(240, inner / 5, 60 + crowd * 2)) : TIER;
  tiers.forEach((tier, i) => {
    const own = part.switches.filter((s) => s.tier === tier), y = head + BOX / 2 + i * apart;
    row(own, inner, y, places, (s) => numberOf(s.name));
    if (words) texts.push({ x: 0, y: y + 4, text: tierWord(own[0]), strong: true });
  });
  for (const p of places.values()) p.x += words + 2;
  const bottom = head + (tiers.length - 1) * apart + BOX, leaves = part.switches.filter((s) => s.tier === tiers[tiers.length - 1]);
  const wanted = groupTexts(leaves, places, bottom + STUB + STRIP + 13).map((t) => ({ ...t, x: t.x + words + 2 }));
  texts.push(...wanted);
  if (words) texts.push({ x: 0, y: bottom + STUB + 14, text: "NICs", strong: true });
  const stripText = (width > 250 ? f.nics.toLocaleString("en-US") + " NICs of " + net.nodes.toLocaleString("en-US") + " nodes" : f.nics.toLocaleString("en-US") + " NICs");
  return {
    width, height: bottom + STUB + STRIP + (wanted.length ? 20 : 4), texts, ring: false, said: said(name, part), switches: part.switches, bundles: part.bundles,
    strip: { x: words + 2, y: bottom + STUB, w: inner, h: STRIP, text: stripText },
    thickest: Math.max(0.5, Math.min(4, 0.1 * inner / Math.sqrt(part.bundles.length * crowd || 1))),
    at: (number) => places.get(number),
    way: (a, b) => { const s = [a.x, a.y - a.h / 2], e = [b.x, b.y + b.h / 2]; return [s, [(s[0] + e[0]) / 2, (s[1] + e[1]) / 2], e]; },
    stub: (x, y, w, h) => [[x, y + h / 2 + STUB], Math.max(1.5, Math.min(7, w * 0.4))],
  };
}

/** Groups around a ring, their routers in a small circle each; or routers around the ring. */
function ring(part, width, alone) {
  const name = nameOf(part, alone), side = Math.min(width, 640), centre = [width / 2, side / 2 + (name ? HEAD : 0)];
  const groups = [...new Set(part.switches.map((s) => s.group))], places = new Map(), texts = name ? [{ x: 0, y: 13, text: name, strong: true, bold: true }] : [];
  const outer = side / 2 - 44, many = groups.length > 1;
  const around = (i, n, r, c) => [c[0] + r * Math.sin(2 * Math.PI * i / n), c[1] - r * Math.cos(2 * Math.PI * i / n)];
  groups.forEach((group, g) => {
    const own = part.switches.filter((s) => s.group === group), here = many ? around(g, groups.length, outer - 14, centre) : centre;
    const small = many ? (own.length > 1 ? Math.min(26, Math.PI * (outer - 14) / groups.length * 0.72) : 0) : outer;
    const size = own.length > 1 ? Math.max(2.5, Math.min(11, 2 * Math.PI * small / own.length * 0.6)) : 13;
    own.forEach((s, i) => {
      const [x, y] = small ? around(i, own.length, small, here) : here;
      places.set(s.number, { x, y, w: size, h: size, failed: s.failed, label: "", inside: 0, group, home: here });
    });
    const text = many && groups.length <= 40 ? around(g, groups.length, outer + (small ? small : 8) + 4, centre) : null;
    if (text) texts.push({ x: text[0], y: text[1] + 4, anchor: "middle", text: numberOf(own[0].name.split(".")[0]) });
  });
  for (const b of part.bundles) if (b.from === b.to) places.get(b.from).inside = Math.max(b.up, b.down);
  const pull = (a, b) => { const m = [(a.x + b.x) / 2, (a.y + b.y) / 2], home = a.group === b.group && many ? a.home : centre; return [m[0] + (home[0] - m[0]) * 0.45, m[1] + (home[1] - m[1]) * 0.45]; };
  return {
    width, height: side + (name ? HEAD : 0), texts, ring: true, said: said(name, part), switches: part.switches, bundles: part.bundles, strip: null,
    thickest: Math.max(0.6, Math.min(3, 40 / Math.sqrt(part.bundles.length || 1))),
    at: (number) => places.get(number),
    way: (a, b) => [[a.x, a.y], pull(a, b), [b.x, b.y]],
    stub: (x, y) => { const d = Math.hypot(x - centre[0], y - centre[1]) || 1, far = many ? 0 : 16; return far ? [[x + (x - centre[0]) / d * far, y + (y - centre[1]) / d * far], 2.5] : [null, 0]; },
  };
}

/** Everything that Panel needs to draw, for each part: places, texts, sizes. */
export function panels(net, width) {
  const all = parts(net), alone = all.length === 1;
  const crowd = most(all.map((p) => most([0, 1, 2].map((t) => p.switches.filter((s) => s.tier === t).length))));
  const gap = 12, columns = alone ? 1 : Math.max(1, Math.min(4, all.length, Math.floor((width + gap) / (Math.max(128, Math.min(500, crowd * 9)) + gap))));
  const each = Math.floor((width - gap * (columns - 1)) / columns);
  return all.map((part) => {
    const direct = part.bundles.some((b) => net.switches[b.from].tier === net.switches[b.to].tier && b.from !== b.to);
    return direct ? ring(part, each, alone) : tree(part, each, alone, net);
  });
}
