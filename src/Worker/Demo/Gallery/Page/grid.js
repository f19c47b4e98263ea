// The grid: cards are made as they come near the viewport, so that thousands of images open at once.
const pageSize = 60;
const grid = document.getElementById('grid');
const more = document.getElementById('more');
let view = find('');
let shown = 0;

// Texts reach the document as text only, never as markup.
function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function picture(index) {
  const image = data.images[index];
  const source = thumbnail(index);
  if (!source) return element('span', 'none', 'no preview');
  const img = element('img');
  img.src = source;
  img.alt = image.caption ?? image.key;
  img.decoding = 'async';
  return img;
}

function facts(image) {
  return `${image.format.toUpperCase()} · ${image.width} × ${image.height} · ${size(image.bytes)}`;
}

function card(index, position) {
  const image = data.images[index];
  const item = element('li');
  const button = element('button', 'card');
  const words = element('span', 'words');
  const caption = element('span', 'caption', image.caption ?? image.key);
  caption.id = 'caption-' + index;
  button.type = 'button';
  button.title = image.key;
  button.setAttribute('aria-labelledby', caption.id);
  button.addEventListener('click', () => openViewer(index));
  words.append(caption);
  if (image.answer) words.append(element('span', 'answer', image.answer));
  words.append(element('span', 'meta', facts(image)));
  button.append(picture(index), words);
  if (image.regions && thumbnail(index)) button.append(drawRegions(shape('svg', { class: 'regions', 'aria-hidden': 'true' }), image, false));
  if (view.scores) button.append(element('span', 'badge', view.scores[index].toFixed(2)));
  item.append(button);
  item.setAttribute('aria-setsize', view.order.length);
  item.setAttribute('aria-posinset', position + 1);
  return item;
}

function showMore() {
  const end = Math.min(shown + pageSize, view.order.length);
  const part = document.createDocumentFragment();
  for (; shown < end; shown++) part.append(card(view.order[shown], shown));
  grid.append(part);
}

function nearEnd() {
  return shown < view.order.length && more.getBoundingClientRect().top < innerHeight + 1200;
}

function fill() {
  while (nearEnd()) showMore();
}

function describe() {
  const n = view.order.length;
  const images = n === 1 ? '1 image' : n.toLocaleString('en') + ' images';
  const status = document.getElementById('status');
  const quoted = element('b', '', '“' + (view.text ?? '') + '”');
  if (view.kind === 'meaning' && view.hits && view.hits < n) {
    const having = view.hits === 1 ? '1 image has ' : view.hits.toLocaleString('en') + ' images have ';
    status.replaceChildren(having, element('b', '', '“' + view.typed + '”'), ' in the caption or the name; the others by closeness in meaning to ', quoted);
  } else if (view.kind === 'meaning') status.replaceChildren(images + ', the closest in meaning to ', quoted, ' first');
  else if (view.kind === 'words') status.replaceChildren(images + (n === 1 ? ' has ' : ' have '), quoted, ' in the caption or the name');
  else if (data.left) status.replaceChildren(`The first ${images}; ${data.left.toLocaleString('en')} more are in results.jsonl`);
  else status.replaceChildren(n ? images + '. Open one to see what lies nearest to it.' : '');
  const empty = document.getElementById('empty');
  empty.hidden = n > 0;
  empty.textContent = data.images.length ? 'Nothing found.' : 'No image was described.';
}

function show(found) {
  view = found;
  shown = 0;
  grid.replaceChildren();
  describe();
  showMore();
  fill();
}

new IntersectionObserver(fill, { rootMargin: '1200px' }).observe(more);
addEventListener('scroll', fill, { passive: true });
addEventListener('resize', fill, { passive: true });
