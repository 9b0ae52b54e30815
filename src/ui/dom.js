// dom.js: makes elements. All text becomes text nodes: nothing that is shown can be markup.

export function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (value === null || value === undefined || value === false) continue;
        if (typeof value === 'function') node.addEventListener(name.slice(2), value);
        else if (name === 'value' && 'value' in node && node.localName !== 'li') node.value = value;
        else node.setAttribute(name, value === true ? '' : value);
    }
    node.append(
        ...children
            .flat(Infinity)
            .filter(c => c !== null && c !== undefined && c !== false)
            .map(c => (c instanceof Node ? c : String(c))),
    );
    return node;
}

export function h(name, attributes, ...children) {
    return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes, ...children) {
    return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

export const byId = id => document.getElementById(id);

/* What was done, in words, for everybody: also for whoever hears the page. */
export function say(text) {
    byId('status').textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => {
        byId('status').textContent = '';
    }, 15000);
}

/* The server's own sentence, beside what it is about. */
export function failure(error) {
    return h(
        'p',
        { class: 'error', role: 'alert' },
        error.message,
        error.id && h('small', null, ` request ${error.id}`),
    );
}

export function button(text, onclick, attributes) {
    return h('button', { type: 'button', onclick, ...attributes }, text);
}

/* What opened a form gets the focus again when the view has been drawn anew. */
export const opened = {
    name: null,
    note(node) {
        opened.name = node.getAttribute('aria-label') ?? node.textContent;
    },
    find(within) {
        const name = opened.name;
        opened.name = null;
        return (
            name &&
            [...within.querySelectorAll('button')].find(
                b => (b.getAttribute('aria-label') ?? b.textContent) === name,
            )
        );
    },
};

export function plural(n, one, many = one + 's') {
    return `${Number(n).toLocaleString('en')} ${Number(n) === 1 ? one : many}`;
}

const pad = n => String(n).padStart(2, '0');

function clock(time) {
    const d = new Date(time);
    return (
        `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ` +
        `${pad(d.getHours())}:${pad(d.getMinutes())}`
    );
}

export function ago(time) {
    const s = Math.max(0, Math.round((Date.now() - new Date(time)) / 1000));
    for (const [unit, size] of [
        ['d', 86400],
        ['h', 3600],
        ['min', 60],
    ])
        if (s >= size) return `${Math.floor(s / size)} ${unit} ago`;
    return `${s} s ago`;
}

export function timeOf(time, text) {
    return h('time', { datetime: time, title: clock(time) }, text ?? clock(time));
}

/* How full: a bar for the eye, the numbers for everybody. */
export function meter(used, size) {
    const share = size ? Math.min(100, Math.round((used / size) * 100)) : 0;
    const bar = h('i', { class: share >= 95 ? 'full' : share >= 80 ? 'high' : '' });
    bar.style.inlineSize = `${share}%`;
    return h(
        'span',
        { class: 'meter' },
        h('span', { class: 'track', 'aria-hidden': 'true' }, bar),
        ` ${share} %`,
    );
}

/* Each head is a text, or a cell of its own. */
export function table(heads, rows, caption) {
    return h(
        'table',
        null,
        caption && h('caption', null, caption),
        h(
            'thead',
            null,
            h(
                'tr',
                null,
                heads.map(x => (x instanceof Node ? x : h('th', { scope: 'col' }, x))),
            ),
        ),
        h('tbody', null, rows),
    );
}

export const row = cells =>
    h(
        'tr',
        null,
        cells.map(c => h('td', null, c)),
    );
