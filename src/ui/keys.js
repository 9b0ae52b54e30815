// keys.js: one key for what is done often. None of them acts while one is typing.
import { byId } from './dom.js';
import { navigate, neighbour, objectUrl, parse, url } from './state.js';

export const keyList = [
    ['/', 'search'],
    ['g o', 'objects'],
    ['g r', 'racks'],
    ['g p', 'pools'],
    ['g m', 'managers'],
    ['g h', 'history'],
    ['g g', 'first page'],
    ['j k', 'next and previous row'],
    ['Enter', 'open the row'],
    ['x', 'tick the row'],
    ['e', 'edit'],
    ['[ ]', 'previous and next object of the list'],
    ['?', 'this list'],
    ['Esc', 'leave a field, close what is open'],
];
const places = { o: 'list', r: 'racks', p: 'pools', m: 'managers', h: 'history', g: '' };
let prefix = 0;

function move(step) {
    const rows = [...document.querySelectorAll('main [data-row]')];
    if (!rows.length) return false;
    const now = rows.findIndex(r => r.contains(document.activeElement));
    const next = rows[now < 0 ? (step > 0 ? 0 : rows.length - 1) : now + step];
    const link = next?.querySelector('a');
    link?.focus();
    link?.scrollIntoView({ block: 'nearest' });
    return !!link;
}

const press = selector => {
    const node = document.querySelector(selector);
    node?.click();
    return !!node;
};

function step(by) {
    const { view, args } = parse(new URL(location));
    const name = view === 'object' ? neighbour(args[0], by) : undefined;
    if (name !== undefined)
        navigate(objectUrl(name, { tab: new URLSearchParams(location.search).get('tab') }));
    return name !== undefined;
}

const actions = {
    '/': () => {
        byId('find')?.focus();
        byId('find')?.select();
        return true;
    },
    '?': () => {
        navigate(url('keys'));
        return true;
    },
    j: () => move(1),
    k: () => move(-1),
    '[': () => step(-1),
    ']': () => step(1),
    e: () => press('[data-row]:focus-within [data-edit]') || press('[data-edit]'),
    x: () => press('[data-row]:focus-within input[type=checkbox]'),
    g: () => {
        prefix = Date.now();
        return true;
    },
};

function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest('input:not([type=checkbox]), textarea, select');
    if (event.key === 'Escape') {
        const form = event.target.closest('form[data-edit-form]');
        if (form) form.dispatchEvent(new Event('cancel'));
        else if (typing) typing.blur();
        return;
    }
    if (typing) return;
    const going = Date.now() - prefix < 2000 && Object.hasOwn(places, event.key);
    if (going) navigate(url(places[event.key]));
    prefix = 0;
    if (going || (Object.hasOwn(actions, event.key) && actions[event.key]())) event.preventDefault();
}

export function listenToKeys() {
    addEventListener('keydown', pressed);
}
