// window.js: the body of a long table: only the rows that one sees are in the page.
import { h } from './dom.js';
import { unitsOf } from './rack.js';
import { rangeText } from './ranges.js';
import { pathOf } from './rows.js';
import { nameOf, objectUrl } from './state.js';

const HEIGHT = 27;
let rackUnits = new Map();
function unitsIn(rack, object, cell) {
    if (!rack) return;
    cell.textContent = '…';
    if (!rackUnits.has(rack))
        rackUnits.set(
            rack,
            unitsOf(rack).catch(() => ({ units: {} })),
        );
    rackUnits.get(rack).then(r => {
        cell.textContent = rangeText(r.units[object] ?? []);
    });
}

/* The body of the table: rows of a fixed height between two that stand for all others. */
export function windowed(rows, ticked, onTick, onEnd) {
    const above = h('tr', { 'aria-hidden': 'true' }),
        below = h('tr', { 'aria-hidden': 'true' }),
        body = h('tbody', null, above, below);
    let inside = new Map();
    rackUnits = new Map();
    const uAt = rows.cols.indexOf('U') + 1,
        rackAt = rows.cols.indexOf('rack') + 1;
    const make = i => {
        const object = pathOf(rows.shown[i]),
            cells = rows.cells(rows.shown[i]);
        const tds = cells.map((text, c) =>
            rows.cols[c] === 'name'
                ? h('th', { scope: 'row' }, h('a', { href: objectUrl(nameOf(object)) }, text))
                : h('td', { title: text.length > 24 ? text : null }, text),
        );
        if (uAt && rackAt) unitsIn(cells[rackAt - 1], object, tds[uAt - 1]);
        const box =
            ticked &&
            h('input', {
                type: 'checkbox',
                'aria-label': `Tick ${nameOf(object)}`,
                onchange: e => {
                    ticked[e.target.checked ? 'add' : 'delete'](object);
                    onTick();
                },
            });
        if (box) box.checked = ticked.has(object);
        return h(
            'tr',
            { 'data-row': true, 'aria-rowindex': i + 2 },
            box && h('td', { class: 'tick' }, box),
            tds,
        );
    };
    /* On paper there is no window: the first 2,000. */
    const paint = (fresh, paper) => {
        if (fresh) {
            for (const tr of inside.values()) tr.remove();
            inside = new Map();
        }
        const top = body.isConnected ? -body.getBoundingClientRect().top : 0;
        const first = Math.max(0, Math.min(rows.shown.length - 1, Math.floor(top / HEIGHT)) - 8),
            from = paper ? 0 : first,
            most = paper ? 2000 : Math.min(60, Math.ceil(innerHeight / HEIGHT) + 16),
            to = Math.min(rows.shown.length, from + most);
        for (const [i, tr] of inside)
            if (i < from || i >= to) {
                tr.remove();
                inside.delete(i);
            }
        let before = above;
        for (let i = from; i < to; i++) {
            if (!inside.has(i)) {
                inside.set(i, make(i));
                before.after(inside.get(i));
            }
            before = inside.get(i);
        }
        above.style.height = `${from * HEIGHT}px`;
        below.style.height = `${(rows.shown.length - to) * HEIGHT}px`;
        if (to >= rows.shown.length - 20) onEnd();
    };
    return { body, paint };
}
