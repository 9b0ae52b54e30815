// columns.js: what a column of a list is made of.
import { containers, get, has, isA, me, path, request } from './api.js';
import { nameOf } from './state.js';

const names = paths => paths.map(nameOf).join(', ');
const isRack = p => p.startsWith('/basicrack/');
const first = (list, usual) => (list.length ? Number(list[0]) : usual);

/* Of a rack: its units, and those that are taken, each of which is an attribute. */
export const roomFields = ['attr _contains.ru', 'attr minu', 'attr maxu'];
export const used = r => r['attr _contains.ru'].length;
export const size = r => first(r['attr maxu'], 45) - first(r['attr minu'], 1) + 1;

/* Column: the fields of /query that it needs, and its text. */
const special = {
    name: [['name'], r => r.name],
    driver: [['driver'], r => r.driver],
    type: [['type'], r => r.type],
    ips: [['ips'], r => r.ips.join(' ')],
    in: [['parents'], r => names(r.parents.filter(p => !isRack(p)))],
    rack: [['parents'], r => names(r.parents.filter(isRack))],
    U: [['parents'], () => ''],
    members: [['contents'], r => String(r.contents.length)],
    devices: [['contents'], r => String(r.contents.length)],
    used: [['attr _contains.ru'], r => String(used(r))],
    free: [roomFields, r => String(size(r) - used(r))],
};

const isSpecial = name => Object.hasOwn(special, name);
export const fieldsOf = cols =>
    [...new Set(['path', ...cols.flatMap(c => (isSpecial(c) ? special[c][0] : [`attr ${c}`]))])].join(',');
export const cellOf = (col, r) =>
    isSpecial(col)
        ? special[col][1](r)
        : r[`attr ${col}`].map(v => (typeof v === 'string' ? v : JSON.stringify(v))).join(' ');
export const valid = col => isSpecial(col) || /^[A-Za-z_][\w-]*(\.[\w-]+)?(:\d+)?$/.test(col);

export function usual(all, driver) {
    const is = what => isA(all, driver, what);
    if (is('basicrack')) return ['name', 'in', 'devices', 'used', 'free'];
    if (is('basicserver')) return ['name', 'rack', 'U', 'ips', 'model', 'os', 'owner', 'in'];
    if (is('device')) return ['name', 'rack', 'U', 'model', 'ips'];
    if (is('pool')) return ['name', 'in', 'members'];
    if (is('ipmanager')) return ['name', 'baseip', 'netmask', 'gateway', 'in'];
    if (driver && all[driver]?.is_manager) return ['name', 'basename', 'digits', 'in'];
    return driver ? ['name', 'in', 'members'] : ['name', 'driver', 'rack', 'ips', 'owner', 'in'];
}

const kept = driver => `muster-columns-${driver || 'all'}`;

/* What a user's container for the page has: read once, and only where there is one. */
const documents = new Map();
function ownDocument() {
    const read = names =>
        names.includes('muster-ui') ? get(path('preferences', 'muster-ui'), { past: false }) : {};
    if (!documents.has(me.name))
        documents.set(
            me.name,
            containers()
                .then(read)
                .catch(() => ({})),
        );
    return documents.get(me.name);
}

const inPreferences = () => has('preferences') && me.name;

/* The columns that one chose for a driver: in one's preferences where there are any, else in this browser. */
export async function chosen(driver) {
    if (!inPreferences()) return JSON.parse(localStorage.getItem(kept(driver)) ?? 'null');
    const mine = (await ownDocument()).columns?.[driver || 'all'];
    return Array.isArray(mine) ? mine : null;
}

export async function keep(driver, cols) {
    if (!inPreferences()) return localStorage.setItem(kept(driver), JSON.stringify(cols));
    ((await ownDocument()).columns ??= {})[driver || 'all'] = cols;
    await request('POST', path('preferences', 'muster-ui', 'columns'), {
        body: JSON.stringify({ [driver || 'all']: cols }),
        headers: { 'Content-Type': 'application/json' },
    });
}
