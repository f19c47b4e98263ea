'use strict';
// Texts of strangers reach the document through textContent only.
const by = id => document.getElementById(id);
const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const number = value => value >= 100000 ? short.format(value) : whole.format(Math.round(value));
const rate = value => value >= 100 ? whole.format(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
const percent = value => `${value >= 10 || value === 0 ? Math.round(value) : value.toFixed(1)} %`;
const bytes = value => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit++; }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
};
const milliseconds = value => value >= 1000 ? `${(value / 1000).toFixed(2)} s` : value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
const duration = seconds => {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return days > 0 ? `${days} d ${hours} h` : hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
};
const ago = (then, now) => {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  return seconds < 60 ? `${seconds} s ago` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
};

// An element; what is text becomes a text node.
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === true) element.setAttribute(key, '');
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined).map(child => child instanceof Node ? child : String(child)));
  return element;
}

// Replaces the content only where it has changed, so that selections, scroll positions and pictures stay.
function show(target, ...children) {
  const fresh = document.createElement(target.tagName);
  fresh.append(...children);
  if (fresh.innerHTML !== target.innerHTML) target.replaceChildren(...fresh.childNodes);
}

function table(target, columns, rows, empty) {
  const head = make('thead', null, make('tr', null, ...columns.map(column => make('th', { scope: 'col', class: column.number ? 'number' : null }, column.title))));
  const body = make('tbody', null, ...rows.map(row => make('tr', { class: row.class }, ...row.cells.map((cell, i) =>
    make(i === 0 ? 'th' : 'td', { scope: i === 0 ? 'row' : null, class: columns[i].number ? 'number' : null }, cell)))));
  if (rows.length > 0) show(target, head, body);
  else show(target, make('tbody', null, make('tr', null, make('td', { class: 'soft' }, empty))));
}
