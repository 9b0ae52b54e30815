// links.js: objects as links.
import { h } from './dom.js';
import { nameOf, objectUrl } from './state.js';

export const objectLink = (name, attributes) => h('a', { ...attributes, href: objectUrl(name) }, name);

/* The first cell of a row that is about an object. */
export const rowHead = name => h('th', { scope: 'row' }, objectLink(name));

export const chip = name => objectLink(name, { class: 'chip' });

export const chips = paths => paths.map(p => [chip(nameOf(p)), ' ']);
