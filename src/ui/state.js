// state.js: where we are: every view is a URL, and everything that one sees is in it.

export const base = new URL('./', import.meta.url).pathname;

export const asOf = () => new URLSearchParams(location.search).get('asof') ?? '';

/* The URL of a view; the moment that is looked at stays unless params says otherwise. */
export function url(view, args = [], params = {}) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ asof: asOf(), ...params }))
        if (value !== '' && value !== null && value !== undefined) query.set(name, value);
    const path = [view, ...args.map(encodeURIComponent)].filter(x => x !== '').join('/');
    return base + path + (query.size ? `?${query}` : '');
}

/* The same view with other parameters. */
export function here(changes) {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes))
        if (value === null || value === '') query.delete(name);
        else query.set(name, value);
    return location.pathname + (query.size ? `?${query}` : '');
}

export function parse(address) {
    const path = address.pathname.slice(base.length).replace(/\/$/, '');
    const [view, ...args] = path.split('/').map(decodeURIComponent);
    return { view, args, params: address.searchParams };
}

/* A driver has no slash, a name may have. */
export const nameOf = path => path.slice(path.indexOf('/', 1) + 1);
export const driverOf = path => path.slice(1, path.indexOf('/', 1));
export const objectUrl = (name, params) => url('object', [name], params);

/* The names of the list that one came from, for "previous" and "next". */
export function remember(list) {
    sessionStorage.setItem('muster-list', JSON.stringify(list.slice(0, 2000)));
}

export function neighbour(name, step) {
    const names = JSON.parse(sessionStorage.getItem('muster-list') ?? '[]');
    const at = names.indexOf(name);
    return at < 0 ? undefined : names[at + step];
}

let go = () => {};
export function onNavigate(f) {
    go = f;
}
export const navigate = (address, replace) => go(address, replace);
