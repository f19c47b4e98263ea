const svg = (name, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

// A scale that ends at a round number above the highest value.
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map(step => step * power).find(step => step >= value);
}

function lineChart(target, values, points) {
  const smooth = values.map((_, i) => {
    const near = values.slice(Math.max(0, i - 2), i + 1);
    return near.reduce((sum, value) => sum + value, 0) / near.length;
  });
  const top = ceiling(Math.max(...smooth, 0));
  const box = svg('svg', { viewBox: `0 0 ${points - 1} 100`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  for (const y of [0.5, 50, 99.5]) box.append(svg('line', { class: 'grid', x1: 0, x2: points - 1, y1: y, y2: y }));
  if (smooth.length > 1) {
    const first = points - smooth.length;
    const path = smooth.map((value, i) => `${first + i},${(100 - 100 * value / top).toFixed(2)}`);
    box.append(svg('polygon', { class: 'area', points: `${first},100 ${path.join(' ')} ${points - 1},100` }), svg('polyline', { class: 'line', points: path.join(' ') }));
  }
  const last = smooth.length > 0 ? smooth[smooth.length - 1] : 0;
  const text = `Throughput: ${rate(last)} images a second now, at most ${rate(Math.max(...smooth, 0))} in the last two minutes`;
  target.replaceChildren(make('div', { role: 'img', 'aria-label': text },
    make('div', { class: 'axis' }, make('span', null, `${top}`)), box, make('div', { class: 'axis' }, make('span', null, '2 min ago'), make('span', null, 'now'))));
}

// A labelled bar; width is set through the object model, which the page's policy lets pass.
function bar(label, text, share) {
  const fill = make('i');
  fill.style.width = `${Math.min(100, Math.max(0, 100 * share)).toFixed(1)}%`;
  return make('div', null, make('dt', null, label), make('dd', null, text), make('dd', { class: 'track', 'aria-hidden': 'true' }, fill));
}

function columns(counts) {
  const most = Math.max(1, ...counts.map(size => size.count));
  return make('ul', { class: 'columns' }, ...counts.map(size => {
    const column = make('b', { 'aria-hidden': 'true' });
    column.style.height = `${Math.round(84 * size.count / most)}%`;
    return make('li', { class: size.count > 0 ? null : 'zero' }, size.count > 0 ? make('span', null, number(size.count)) : '',
      make('span', { class: 'unseen' }, ' batches of '), column, make('span', null, size.label), make('span', { class: 'unseen' }, ' rows'));
  }));
}
