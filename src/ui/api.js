// api.js: requests to the server. Where its parts are is what /__meta__ says.
import { asOf, base } from './state.js';

const root = new URL('..', location.origin + base).pathname;
const KEY = 'muster-token';
const ownVersions = new Set();
const parts = { '': root.replace(/\/$/, '') },
    mounts = { '': '' };
export const me = { name: null, by: 'nobody', roles: {}, version: '' };

export class ApiError extends Error {
    constructor(status, message, id, response) {
        super(message);
        Object.assign(this, { status, id, response });
    }
}

/* A number that a double can't hold stays as it was written. */
export function parseJson(text) {
    return JSON.parse(text, (_, value, context) =>
        typeof value === 'number' && String(value) !== context.source ? JSON.rawJSON(context.source) : value,
    );
}

export const exactNumbers = () =>
    typeof JSON.rawJSON === 'function' &&
    JSON.stringify(parseJson('12345678901234567890')) === '12345678901234567890';

/* A value as text. */
export const textOf = value =>
    value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

export const token = {
    get: () => sessionStorage.getItem(KEY),
    set: text => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY)),
};

export const isOwn = version => ownVersions.has(version);

function encode(params) {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(params ?? {}))
        for (const v of [value].flat()) if (v !== undefined && v !== null) form.append(name, v);
    return form.toString();
}

function sentence(response, text) {
    if (response.status === 413) return 'This is too large for the server.';
    try {
        const body = JSON.parse(text);
        return typeof body === 'string' ? body : String(body.body ?? text);
    } catch {
        return `The server answered ${response.status} ${response.statusText}`;
    }
}

/* No view needs more; what has a million members is not read to the end. */
const MOST_TEXT = 8 * 2 ** 20;
async function bounded(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
        const { done, value } = await reader.read();
        if (done) return text;
        text += value;
        if (text.length <= MOST_TEXT) continue;
        await reader.cancel();
        throw new ApiError(413, 'The response has more than 8 MB: too much to be shown here.');
    }
}

/* Of a write: nobody knows what became of it. */
const unsure = headers =>
    ' It may have been done nevertheless: ' +
    (headers['Idempotency-Key'] ? 'try again, it is done only once.' : 'look before you try again.');

/* One request: path below the root. Options: params, body, headers, signal, past (false: of now). */
export async function request(
    method,
    path,
    { params, body, headers = {}, signal, past = method === 'GET', raw } = {},
) {
    const query = encode(params);
    const all = { ...headers };
    if (token.get()) all.Authorization = `Bearer ${token.get()}`;
    if (past && asOf()) all['Clusto-As-Of'] = asOf();
    let response, text;
    try {
        response = await fetch(location.origin + (query ? `${path}?${query}` : path), {
            method,
            body,
            headers: all,
            signal,
            cache: 'no-cache',
        });
        text = await bounded(response);
    } catch (error) {
        if (error.name === 'AbortError' || error instanceof ApiError) throw error;
        throw new ApiError(0, 'The server could not be reached.' + (method === 'GET' ? '' : unsure(all)));
    }
    const header = name => response.headers.get(name);
    if (!response.ok)
        throw new ApiError(
            response.status,
            sentence(response, text) +
                (header('Clusto-Outcome') === 'unknown' ? unsure(all) : ''),
            header('X-Request-Id'),
            { text, header },
        );
    return { body: raw ? text : text ? parseJson(text) : null, header, status: response.status };
}

/* path('entity', 'pool', 'web') is a URL; the part without a name of its own is ''. */
const below = (mount, segments) => [mount, ...segments.map(encodeURIComponent)].join('/');
export const path = (part, ...segments) => below(parts[part], segments);

export const get = async (address, options) => (await request('GET', address, options)).body;

export const has = part => part in parts;
export const may = (role, part = 'entity') => !asOf() && (me.roles[part] ?? []).includes(role);

/* One operation of a transaction. Its path is the server's, without what a front server removes. */
export const operation = (method, part, segments, rest) => ({
    method,
    path: below(mounts[part], segments),
    ...rest,
});

const escape = value =>
    typeof value === 'string'
        ? value.replaceAll('${', () => '$${')
        : Array.isArray(value)
          ? value.map(escape)
          : value && value.constructor === Object
            ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, escape(v)]))
            : value;

/* Random also where the page is not served by TLS, which crypto.randomUUID() demands. */
const newKey = () => [...crypto.getRandomValues(new Uint32Array(4))].map(n => n.toString(36)).join('-');

/* Does the operations, all or none; with dry nothing is kept. why says what for, tag is the state that the object
   of the first must have. intent is an object that belongs to one thing that is wanted, such as a form: what is sent
   again with it, unchanged, because nobody knows what became of it, is done once.
   The response: version, changes, results. */
export async function write(operations, { why, dry, tag, intent = {} } = {}) {
    const headers = { 'Content-Type': 'application/json', 'Clusto-Diff': 'true', 'Clusto-Mode': 'compact' };
    const list = operations.map(o => ({
        ...o,
        ...(o.params ? { params: escape(o.params) } : {}),
        ...(o.body ? { body: escape(o.body) } : {}),
    }));
    const first = list[0];
    if (tag) first.if_match = tag;
    /* Not as a header: those have no characters beyond Latin-1. */
    first.description =
        why?.trim() ||
        `${first.method} ${first.path}` + (list.length > 1 ? ` and ${list.length - 1} more` : '');
    const text = JSON.stringify(list);
    if (intent.text !== text) Object.assign(intent, { text, key: newKey() });
    headers[dry ? 'Clusto-Dry-Run' : 'Idempotency-Key'] = dry ? 'true' : intent.key;
    const { body, header } = await request('POST', path('', 'transaction'), { body: text, headers });
    const version = Number(header('Clusto-Version'));
    if (version) ownVersions.add(version);
    return { version, changes: body.changes ?? [], results: body.result ?? body };
}

const APPLICATIONS = {
    entity: 'entity',
    attribute: 'attribute',
    resourcemanager: 'resourcemanager',
    cloudprefs: 'preferences',
};

/* Learns what is mounted where, and who we are. A server of preferences alone has no /__meta__. */
export async function start() {
    let meta;
    try {
        meta = await get(path('', '__meta__'), { past: false });
    } catch (error) {
        if (error.status !== 404 && error.status !== 400) throw error;
        parts.preferences = parts[''];
        delete parts[''];
        return;
    }
    for (const [mount, application] of Object.entries(meta)) {
        const part = APPLICATIONS[application.split('.').pop()];
        mounts[part] = mount;
        parts[part] = mount.startsWith(root) ? mount : parts[''] + mount;
    }
    Object.assign(me, await get(path('', '__whoami__'), { past: false }));
}

/* An object without what is in it, and with its tag. */
export const readObject = (name, options) =>
    request('GET', path('', 'by-name', name), {
        headers: { 'Clusto-Contents': 'none', 'Clusto-Units': 'true' },
        ...options,
    });

/* The names of one's own documents. */
export const containers = signal =>
    get(path('preferences', '').replace(/\/?$/, '/'), { signal, past: false });

/* Drivers with what they are and can; asked for once. */
let known;
export function drivers() {
    known ??= get(path('', 'driverlist'), { headers: { 'Clusto-Mode': 'expanded' }, past: false });
    known.catch(() => {
        known = undefined;
    });
    return known;
}
export const forgetDrivers = () => {
    known = undefined;
};
export const isA = (all, driver, what) => (all[driver]?.is ?? []).includes(what);

/* A text as a value of the query language. */
export const quote = text => `"${text.replace(/["\\]/g, '\\$&')}"`;

/* Rows of a query with these columns: one page, and the cursor of the next. */
export async function query(q, fields, { after = '0', limit = 200, signal } = {}) {
    const { body, header } = await request('GET', path('', 'query'), {
        params: { q, fields },
        signal,
        headers: { 'Clusto-After': after, 'Clusto-Per-Page': String(limit), 'Clusto-Minify': 'true' },
    });
    return { rows: body, next: header('Clusto-Next') };
}
