// list.js: a table of what a query finds. Only the rows that one sees are in the page.
import { drivers, get, has, may, me, operation, path, query, request } from './api.js';
import { button, failure, h, plural } from './dom.js';
import { cellOf, fieldsOf, usual, valid } from './columns.js';
import { editForm, field, objectField, select } from './edit.js';
import { unitsOf } from './rack.js';
import { rangeText } from './ranges.js';
import { here, nameOf, navigate, objectUrl, remember } from './state.js';

const HEIGHT = 27, MOST = 100000, SEPARATOR = '\u001f';
const order = new Intl.Collator('en', { numeric: true });
const language = /[=<>^~()!&|]|\b(is|isnt|attr|within|has|in|like|exists|all|contains|startswith|refers|not)\b/i;

/* Words without an operator are looked for in names. */
export const asQuery = text => language.test(text) ? text : text.trim().split(/\s+/).map(w => `name ~ "${w.replace(/["\\]/g, '\\$&')}"`).join(' and ');

/* Rows as one text each: path, then the cells: small, and quick to filter. */
class Rows {
    constructor(q, cols) { Object.assign(this, { q, cols, all: [], next: '0', shown: [], words: '', sort: '' }); }
    async more(limit, signal) {
        const { rows, next } = await query(this.q, fieldsOf(this.cols), { after: this.next, limit, signal });
        for (const r of rows) this.all.push([r.path, ...this.cols.map(c => cellOf(c, r))].join(SEPARATOR));
        this.next = next;
    }
    async rest(signal, progress) {
        while (this.next && this.all.length < MOST) {
            await this.more(5000, signal);
            progress?.();
        }
    }
    arrange() {
        const words = this.words.toLowerCase();
        this.shown = words ? this.all.filter(r => r.toLowerCase().includes(words)) : this.all.slice();
        const at = this.cols.indexOf(this.sort.replace(/^-/, '')) + 1;
        if (at < 1) return;
        const keyed = this.shown.map(r => [r.split(SEPARATOR)[at], r]);
        keyed.sort((a, b) => order.compare(a[0], b[0]));
        if (this.sort.startsWith('-')) keyed.reverse();
        this.shown = keyed.map(k => k[1]);
    }
}

const kept = driver => `muster-columns-${driver || 'all'}`;

/* The columns that one chose for a driver: in one's preferences where there are any, else in this browser. */
async function chosen(driver) {
    if (has('preferences') && me.name) {
        const mine = await get(path('preferences', 'muster-ui', 'columns', driver || 'all'), { past: false }).catch(() => null);
        return Array.isArray(mine) ? mine : null;
    }
    return JSON.parse(localStorage.getItem(kept(driver)) ?? 'null');
}

async function keep(driver, cols) {
    if (!has('preferences') || !me.name) return localStorage.setItem(kept(driver), JSON.stringify(cols));
    await request('POST', path('preferences', 'muster-ui', 'columns'), { body: JSON.stringify({ [driver || 'all']: cols }), headers: { 'Content-Type': 'application/json' } });
}

const racks = new Map();
function unitsIn(rack, object, cell) {
    if (!rack) return;
    if (!racks.has(rack)) racks.set(rack, unitsOf(rack).catch(() => ({ units: {} })));
    racks.get(rack).then(r => { cell.textContent = rangeText(r.units[object] ?? []); });
}

/* A spreadsheet does not run what it reads here. */
const csvCell = text => `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

function download(rows) {
    const text = [rows.cols.map(csvCell), ...rows.shown.map(r => r.split(SEPARATOR).slice(1).map(csvCell))].map(l => l.join(',')).join('\r\n') + '\r\n';
    const link = h('a', { href: URL.createObjectURL(new Blob([text], { type: 'text/csv' })), download: 'muster.csv' });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/* What is done with the rows that are ticked: seen first, in one transaction. */
function bulk(ticked, done) {
    const bar = h('div', { class: 'tools', 'aria-label': 'Ticked objects', role: 'group' }), place = h('div');
    const names = () => [...ticked].map(nameOf);
    const form = (label, fields, operations) => () => place.replaceChildren(editForm({
        label, save: `Change ${plural(ticked.size, 'object')}`, tryFirst: true, tag: null, cancel: () => place.replaceChildren(), done,
        fields: [h('details', { open: ticked.size <= 20 }, h('summary', null, plural(ticked.size, 'object')), names().join(', ')), fields()], operations,
    }));
    const contain = action => v => [operation('POST', 'entity', ['entity', v.container], { params: { action, device: names() } })];
    const set = v => names().map(n => operation('PUT', 'attribute', [n, v.key], { params: { value: v.value, datatype: v.datatype, ...(v.subkey ? { subkey: v.subkey } : {}) } }));
    const draw = () => {
        bar.hidden = !ticked.size;
        place.replaceChildren();
        bar.replaceChildren(h('b', null, `${plural(ticked.size, 'object')}: `),
            button('Set attribute', form('Attribute set', () => [field('Key', { name: 'key', required: true }), field('Subkey', { name: 'subkey' }), field('Value', { name: 'value' }), select('Type', 'datatype', ['string', 'int', 'datetime', 'relation', 'json'], 'string')], set)),
            button('Put into', form('Put in', () => objectField('Container', 'container'), contain('insert'))),
            button('Take out of', form('Taken out', () => objectField('Container', 'container'), contain('remove'))),
            button('Tick none', () => { ticked.clear(); dispatchEvent(new Event('ticked')); }));
    };
    draw();
    return { node: h('div', null, bar, place), draw };
}

/* The body of the table: rows of a fixed height between two that stand for all others. */
function windowed(rows, ticked, onTick, onEnd) {
    const above = h('tr', { 'aria-hidden': 'true' }), below = h('tr', { 'aria-hidden': 'true' }), body = h('tbody', null, above, below);
    let inside = new Map();
    const uAt = rows.cols.indexOf('U') + 1, rackAt = rows.cols.indexOf('rack') + 1;
    const make = i => {
        const [object, ...cells] = rows.shown[i].split(SEPARATOR);
        const tds = cells.map((text, c) => rows.cols[c] === 'name' ? h('th', { scope: 'row' }, h('a', { href: objectUrl(nameOf(object)) }, text)) : h('td', { title: text.length > 24 ? text : null }, text));
        if (uAt && rackAt) unitsIn(cells[rackAt - 1], object, tds[uAt - 1]);
        const box = ticked && h('input', { type: 'checkbox', 'aria-label': `Tick ${nameOf(object)}`, onchange: e => { ticked[e.target.checked ? 'add' : 'delete'](object); onTick(); } });
        if (box) box.checked = ticked.has(object);
        return h('tr', { 'data-row': true, 'aria-rowindex': i + 2 }, box && h('td', { class: 'tick' }, box), tds);
    };
    const paint = fresh => {
        if (fresh) { for (const tr of inside.values()) tr.remove(); inside = new Map(); }
        const top = body.isConnected ? -body.getBoundingClientRect().top : 0;
        const from = Math.max(0, Math.min(rows.shown.length - 1, Math.floor(top / HEIGHT)) - 8), to = Math.min(rows.shown.length, from + Math.min(60, Math.ceil(innerHeight / HEIGHT) + 16));
        for (const [i, tr] of inside) if (i < from || i >= to) { tr.remove(); inside.delete(i); }
        let before = above;
        for (let i = from; i < to; i++) {
            if (!inside.has(i)) { inside.set(i, make(i)); before.after(inside.get(i)); }
            before = inside.get(i);
        }
        above.style.height = `${from * HEIGHT}px`;
        below.style.height = `${(rows.shown.length - to) * HEIGHT}px`;
        if (to >= rows.shown.length - 20) onEnd();
    };
    return { body, paint };
}

export async function list({ args, params, signal, reload, following }) {
    const [driver = ''] = args, typed = params.get('q') ?? '';
    const all = await drivers();
    const cols = (params.get('cols')?.split(',') ?? await chosen(driver) ?? usual(all, driver)).map(c => c.trim()).filter(valid);
    if (!cols.includes('name')) cols.unshift('name');
    const parts = [driver && `is "${driver}"`, typed && `(${asQuery(typed)})`].filter(Boolean);
    const rows = new Rows(parts.join(' and ') || 'not driver = clustometa', cols);
    Object.assign(rows, { words: params.get('filter') ?? '', sort: params.get('sort') ?? '' });
    following(driver ? { driver } : {});
    let error = null;
    try {
        await rows.more(200, signal);
        if (rows.words || rows.sort) await rows.rest(signal);
    } catch (e) {
        if (e.status !== 400) throw e;
        error = failure(e);
    }
    rows.arrange();
    racks.clear();

    const ticked = may('write', 'attribute') ? new Set() : null;
    const count = h('span', { class: 'quiet', role: 'status' });
    const group = ticked && bulk(ticked, reload);
    let busy = false;
    const view = windowed(rows, ticked, () => group.draw(), async () => {
        if (busy || !rows.next || rows.words || rows.all.length >= MOST) return;
        busy = true;
        await rows.more(1000, signal).catch(() => { rows.next = null; });
        busy = false;
        refresh(false);
    });
    const refresh = fresh => {
        rows.arrange();
        remember(rows.shown.slice(0, 2000).map(r => nameOf(r.slice(0, r.indexOf(SEPARATOR)))));
        const some = rows.next ? ' or more' : '';
        count.textContent = rows.shown.length === rows.all.length ? `${plural(rows.all.length, 'object')}${some}` : `${plural(rows.shown.length, 'object')} of ${rows.all.length.toLocaleString('en')}${some}`;
        table.setAttribute('aria-rowcount', rows.next ? -1 : rows.shown.length + 1);
        view.paint(fresh);
    };
    const q = h('input', { type: 'search', name: 'q', value: typed, class: 'grow', placeholder: 'is basicserver and attr owner = core, or words of a name', 'aria-label': 'Query', autocomplete: 'off', spellcheck: 'false' });
    const filter = h('input', { type: 'search', value: rows.words, 'aria-label': 'Filter the rows', placeholder: 'Filter', size: 16 });
    filter.addEventListener('input', async () => {
        rows.words = filter.value;
        history.replaceState(history.state, '', here({ filter: rows.words }));
        refresh(true);
        if (rows.words && rows.next && !busy) { busy = true; await rows.rest(signal, () => refresh(true)).catch(() => {}); busy = false; }
    });
    const heads = cols.map(c => {
        const now = rows.sort.replace(/^-/, '') === c, down = rows.sort.startsWith('-');
        return h('th', { scope: 'col', class: c === 'name' ? 'name' : null, 'aria-sort': now ? (down ? 'descending' : 'ascending') : null }, c === 'U' ? 'U' : button(c + (now ? (down ? ' ▾' : ' ▴') : ''), () => navigate(here({ sort: now && !down ? `-${c}` : c }), true)));
    });
    const table = h('table', { class: 'rows', 'aria-label': 'Objects' }, h('thead', null, h('tr', null, ticked && h('th', { class: 'tick' }, h('span', { class: 'skip' }, 'Tick')), heads)), view.body);
    const choose = h('input', { value: cols.join(','), size: 50, 'aria-label': 'Columns, separated by commas', autocomplete: 'off', spellcheck: 'false' });
    addEventListener('scroll', () => view.paint(false), { passive: true, signal });
    addEventListener('resize', () => view.paint(false), { signal });
    addEventListener('ticked', () => { view.paint(true); group.draw(); }, { signal });
    requestAnimationFrame(() => refresh(true));
    refresh(true);
    return h('div', null, h('h1', null, driver || 'Objects', h('small', null, count)),
        h('div', { class: 'tools' }, h('form', { class: 'grow', onsubmit: e => { e.preventDefault(); navigate(here({ q: q.value.trim() })); } }, q), filter,
            button('Export CSV', () => download(rows)), may('write') && h('a', { href: here({}).replace(/list.*/, `new${driver ? `?driver=${encodeURIComponent(driver)}` : ''}`) }, 'New object'),
            h('details', null, h('summary', null, 'Columns'), h('form', { onsubmit: e => { e.preventDefault(); const wanted = choose.value.split(',').map(c => c.trim()).filter(valid); keep(driver, wanted).catch(() => {}); navigate(here({ cols: wanted.join(',') })); } }, choose, ' ', button('Usual', () => { keep(driver, usual(all, driver)).catch(() => {}); navigate(here({ cols: null })); }), h('button', null, 'Show')))),
        error, group?.node, table);
}
