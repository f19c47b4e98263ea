// What was detected, drawn over an image. Corners are parts of the image's width and height.
const shades = 6;

function shape(tag, attributes) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  return node;
}

// Whole: the image is shown in full, with labels; otherwise the middle that a square shows of it, outlines alone.
function drawRegions(target, image, whole) {
  const regions = image.regions ?? [];
  const { width, height } = image;
  const labels = [...new Set(regions.map(region => region.label))];
  const font = Math.max(width, height) * .034;
  target.setAttribute('viewBox', `0 0 ${width} ${height}`);
  target.setAttribute('preserveAspectRatio', whole ? 'xMidYMid meet' : 'xMidYMid slice');
  target.replaceChildren(...regions.flatMap(region => {
    const group = shape('g', { class: 'shade-' + (labels.indexOf(region.label) % shades) });
    for (const outline of region.outlines) group.append(shape('polygon', { points: outline.map((part, i) => part * (i % 2 ? height : width)).join(' ') }));
    if (!whole || !region.label) return [group];
    const corners = region.outlines.flat();
    const left = Math.min(...corners.filter((_, i) => i % 2 === 0)) * width;
    const top = Math.min(...corners.filter((_, i) => i % 2 === 1)) * height;
    const text = shape('text', { x: left + font * .25, y: top < font * 1.3 ? top + font : top - font * .3, 'font-size': font });
    text.textContent = region.label;
    group.append(text);
    return [group];
  }));
  return target;
}

// car × 2, tree
function found(image) {
  const counts = new Map();
  for (const region of image.regions ?? []) if (region.label) counts.set(region.label, (counts.get(region.label) ?? 0) + 1);
  return [...counts].map(([label, n]) => n > 1 ? `${label} × ${n}` : label).join(', ');
}
