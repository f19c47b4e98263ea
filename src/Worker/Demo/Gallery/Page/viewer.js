// One image, large, with its nearest neighbours by the image embeddings.
const viewer = document.getElementById('viewer');
const previous = document.getElementById('previous');
const next = document.getElementById('next');
let current = -1;

function openViewer(index) {
  current = index;
  const image = data.images[index];
  const large = document.getElementById('viewer-image');
  const source = thumbnail(index);
  large.hidden = !source;
  if (source) large.src = source;
  large.alt = image.caption ?? image.key;
  drawRegions(document.getElementById('viewer-regions'), source ? image : { ...image, regions: [] }, true);
  document.getElementById('viewer-caption').textContent = image.caption ?? image.key;
  const rows = [['File', image.key], ['Format', image.format.toUpperCase()], ['Pixels', `${image.width} × ${image.height}`], ['Size', size(image.bytes)]];
  if (found(image)) rows.unshift(['Found', found(image)]);
  if (image.answer) rows.unshift([data.question, image.answer]);
  document.getElementById('viewer-facts').replaceChildren(...rows.flatMap(([name, value]) => [element('dt', '', name), element('dd', '', value)]));
  document.getElementById('near').replaceChildren(...image.near.map(other => neighbour(index, other)));
  document.getElementById('near-title').hidden = image.near.length === 0;
  const place = view.order.indexOf(index);
  previous.disabled = place <= 0;
  next.disabled = place < 0 || place >= view.order.length - 1;
  if (!viewer.open) {
    viewer.showModal();
    viewer.focus({ focusVisible: false });
  }
  viewer.querySelector('.about').scrollTop = 0;
  remember();
}

function neighbour(index, other) {
  const item = element('li');
  const button = element('button');
  button.type = 'button';
  button.title = data.images[other].caption ?? data.images[other].key;
  button.append(picture(other), element('span', 'badge', cosine(images, index, images, other).toFixed(2)));
  button.addEventListener('click', () => openViewer(other));
  item.append(button);
  return item;
}

function step(by) {
  const index = view.order[view.order.indexOf(current) + by];
  if (view.order.includes(current) && index !== undefined) openViewer(index);
}

previous.addEventListener('click', () => step(-1));
next.addEventListener('click', () => step(1));
document.getElementById('close').addEventListener('click', () => viewer.close());
viewer.addEventListener('click', event => {
  if (event.target === viewer) viewer.close();
});
viewer.addEventListener('close', () => {
  current = -1;
  remember();
});
viewer.addEventListener('keydown', event => {
  if (event.key === 'ArrowLeft') step(-1);
  if (event.key === 'ArrowRight') step(1);
});
