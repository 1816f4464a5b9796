// Cuts of the dendrogram: merges in order, each a pair of rows, up to a threshold.

class Groups {
  constructor(size) {
    this.parent = Int32Array.from({ length: size }, (_, row) => row);
  }

  find(row) {
    const parent = this.parent;
    while (parent[row] !== row) row = parent[row] = parent[parent[row]];
    return row;
  }

  /** Put two groups together; the smaller row is the one that a group is known by. */
  join(one, other) {
    const [low, high] = one < other ? [one, other] : [other, one];
    this.parent[high] = low;
    return low;
  }
}

/** The clusters of a result, by their first rows, and -1 for rows that are in none. */
export function clustersOf(data) {
  const first = new Map();
  return Int32Array.from(data.cluster, (cluster, row) => {
    if (cluster < 0) return -1;
    if (!first.has(cluster)) first.set(cluster, row);
    return first.get(cluster);
  });
}

/** Label rows by a threshold; `apart` holds pairs of rows that are two people. */
export function cut(data, threshold, apart) {
  if (threshold === data.threshold || data.within.height.length + data.between.height.length === 0) {
    return clustersOf(data);
  }
  const groups = new Groups(data.size);
  const { one, other, height } = data.within;
  for (let i = 0; i < height.length; i++) {
    if (height[i] <= threshold || threshold > data.threshold) groups.join(groups.find(one[i]), groups.find(other[i]));
  }
  if (threshold > data.threshold) joinBetween(data, groups, threshold, apart);
  return Int32Array.from(data.cluster, (cluster, row) => (cluster < 0 ? -1 : groups.find(row)));
}

function joinBetween(data, groups, threshold, apart) {
  const { one, other, height } = data.between;
  const names = new Map(data.names.map(([row, name]) => [groups.find(row), name]));
  for (let i = 0; i < height.length && height[i] <= threshold; i++) {
    const [left, right] = [groups.find(one[i]), groups.find(other[i])];
    if (left === right || (names.has(left) && names.has(right)) || areApart(groups, apart, left, right)) continue;
    const name = names.get(left) ?? names.get(right);
    const joined = groups.join(left, right);
    if (name !== undefined) names.set(joined, name);
  }
}

function areApart(groups, apart, left, right) {
  return apart.some(([one, other]) => {
    const [a, b] = [groups.find(one), groups.find(other)];
    return (a === left && b === right) || (a === right && b === left);
  });
}

/** How the rows of a cluster fall into two by its last merge: the rows of either side, and the height. */
export function splitInTwo(data, rows) {
  const inside = new Set(rows);
  const merges = [];
  for (const part of [data.within, data.between]) {
    for (let i = 0; i < part.height.length; i++) {
      if (inside.has(part.one[i]) && inside.has(part.other[i]))
        merges.push([part.one[i], part.other[i], part.height[i]]);
    }
  }
  const groups = new Groups(data.size);
  let left = rows.length;
  for (const [one, other, height] of merges) {
    const [a, b] = [groups.find(one), groups.find(other)];
    if (a === b) continue;
    if (left === 2) return { sides: sidesOf(groups, rows, a, b), height };
    groups.join(a, b);
    left -= 1;
  }
  return left > 1 ? { sides: looseSides(groups, rows), height: Infinity } : null;
}

function sidesOf(groups, rows, a, b) {
  return [a, b].map((side) => rows.filter((row) => groups.find(row) === side));
}

/** Of rows that no merge connects: the largest group, and all others. */
function looseSides(groups, rows) {
  const counts = new Map();
  for (const row of rows) counts.set(groups.find(row), (counts.get(groups.find(row)) ?? 0) + 1);
  const largest = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
  return [rows.filter((row) => groups.find(row) === largest), rows.filter((row) => groups.find(row) !== largest)];
}
