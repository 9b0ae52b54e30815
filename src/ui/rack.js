// rack.js: a rack as a drawing: units from below, each device a link, free units to put something into.
import { get, path, query, quote } from './api.js';
import { h, svg } from './dom.js';
import { ranges, rangeText } from './ranges.js';
import { driverOf, nameOf, objectUrl } from './state.js';

const UNIT = 15,
    WIDTH = 230,
    LEFT = 26;

export const unitsOf = (name, signal) => get(path('entity', 'basicrack', name, 'units'), { signal });

export const freeUnits = rack => rack.free.reduce((sum, [a, b]) => sum + b - a + 1, 0);

/* What colours are by: the value of an attribute, or the driver; most frequent first. */
export async function colours(container, wanted, signal) {
    const key = /^[\w.:-]+$/.test(wanted) ? wanted : '';
    const { rows } = await query(`within ${quote(container)}`, key ? `path,attr ${key}` : 'path,driver', {
        limit: 10000,
        signal,
    });
    const value = r => (key ? String(r[`attr ${key}`][0] ?? 'none') : r.driver);
    const count = new Map();
    for (const r of rows) count.set(value(r), (count.get(value(r)) ?? 0) + 1);
    const order = [...count.keys()].sort((a, b) => count.get(b) - count.get(a) || (a < b ? -1 : 1));
    const of = Object.fromEntries(
        rows.map(r => [r.path, { value: value(r), c: Math.min(7, order.indexOf(value(r))) }]),
    );
    return { of, order };
}

/* The colours in words; what is under no part of the drawing is left out. */
export function legend(paint, paths) {
    const seen = new Set(paths.map(p => paint.of[p]?.value));
    return h(
        'p',
        { class: 'legend' },
        paint.order
            .filter(v => seen.has(v))
            .map(v => h('span', { class: `c${Math.min(7, paint.order.indexOf(v))}` }, v)),
    );
}

function arrows(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    const links = [...event.currentTarget.querySelectorAll('a')];
    const next = links[links.indexOf(document.activeElement) + step];
    event.preventDefault();
    if (!next) return;
    links.forEach(l => l.setAttribute('tabindex', l === next ? 0 : -1));
    next.focus();
}

/* The drawing. paint says colours; pick(unit), if there is one, is called for a free unit that is clicked. */
export function drawing(name, rack, paint, pick, scale = 1) {
    const count = rack.last - rack.first + 1,
        height = count * UNIT;
    const y = unit => (rack.last - unit) * UNIT;
    const root = svg(
        'svg',
        {
            class: 'rack',
            width: (LEFT + WIDTH + 2) * scale,
            height: (height + 2) * scale,
            viewBox: `0 -1 ${LEFT + WIDTH + 2} ${height + 2}`,
            role: 'group',
            'aria-label': `Rack ${name}, front`,
            onkeydown: arrows,
        },
        svg('rect', { class: 'frame', x: LEFT, y: 0, width: WIDTH, height, rx: 2 }),
    );
    for (let u = rack.last; u >= rack.first; u--)
        root.append(
            svg('text', { class: 'unit', x: LEFT - 5, y: y(u) + 11, 'aria-hidden': 'true' }, u),
            svg('path', { class: 'slot', d: `M${LEFT} ${y(u)}h${WIDTH}` }),
        );
    if (pick)
        for (const [a, b] of rack.free)
            for (let u = a; u <= b; u++)
                root.append(
                    svg(
                        'rect',
                        {
                            class: 'free',
                            x: LEFT,
                            y: y(u),
                            width: WIDTH,
                            height: UNIT,
                            'data-unit': u,
                            onclick: () => pick(u),
                        },
                        svg('title', null, `U${u} is free`),
                    ),
                );
    const boxes = Object.entries(rack.units)
        .flatMap(([device, units]) => ranges(units).map(([a, b]) => ({ device, units, a, b })))
        .sort((p, q) => q.b - p.b);
    boxes.forEach(({ device, units, a, b }, i) =>
        root.append(
            svg(
                'a',
                {
                    href: objectUrl(nameOf(device)),
                    tabindex: i ? -1 : 0,
                    'aria-label': `${nameOf(device)}, ${driverOf(device)}, U${rangeText(units)}`,
                },
                svg('rect', {
                    class: `c${paint?.of[device]?.c ?? 7}`,
                    x: LEFT + 1,
                    y: y(b) + 1,
                    width: WIDTH - 2,
                    height: (b - a + 1) * UNIT - 2,
                    rx: 2,
                }),
                svg('text', { x: LEFT + 7, y: y(b) + ((b - a + 1) * UNIT) / 2 + 4 }, nameOf(device)),
            ),
        ),
    );
    return root;
}
