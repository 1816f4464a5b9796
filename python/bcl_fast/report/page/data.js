// What the page was given: numbers as base64 of their bytes, names as they are. A row is a track.

export function unpack(text, Kind) {
  if (text === null) return null;
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return new Kind(bytes.buffer);
}

function unpackMerges(merges) {
  return {
    one: unpack(merges.one, Int32Array),
    other: unpack(merges.other, Int32Array),
    height: unpack(merges.height, Float64Array),
  };
}

export function readData(text) {
  const given = JSON.parse(text);
  return {
    ...given,
    size: given.trackIds.length,
    video: unpack(given.video, Int32Array),
    cluster: unpack(given.cluster, Float64Array),
    distance: unpack(given.distance, Float32Array),
    hue: unpack(given.hue, Uint8Array),
    first: unpack(given.first, Float64Array),
    last: unpack(given.last, Float64Array),
    faces: unpack(given.faces, Int32Array),
    noFace: unpack(given.noFace, Uint8Array),
    within: unpackMerges(given.within),
    between: unpackMerges(given.between),
  };
}

/** Rows by video and track, of what a file of edits speaks of. */
export function rowIndex(data) {
  const videos = new Map(data.videos.map((name) => [name, new Map()]));
  for (let row = 0; row < data.size; row++) videos.get(data.videos[data.video[row]]).set(data.trackIds[row], row);
  return videos;
}

/** Frames as a time, where it is known how many there are in a second. */
export function timeText(data, frames) {
  if (!data.framesPerSecond) return `${frames.toLocaleString("en")} frames`;
  const seconds = Math.round(frames / data.framesPerSecond);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return parts[0] ? text : text.slice(3);
}

/** How long a track is on screen, in frames; of tracks without frames, its number of faces. */
export function framesOf(data, row) {
  if (data.first === null || data.first[row] < 0) return data.faces[row];
  return data.last[row] - data.first[row] + 1;
}
