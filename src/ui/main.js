// main.js: begins the page, and shows the view that the URL names.
import { ApiError, exactNumbers, has, me, start, token } from './api.js';
import { createView } from './create.js';
import { byId, failure, h, opened } from './dom.js';
import { managersView, poolsView } from './groups.js';
import { historyView } from './history.js';
import { homeView } from './home.js';
import { listenToKeys } from './keys.js';
import { listView } from './list.js';
import { watch } from './live.js';
import { objectView } from './object.js';
import { preferencesView } from './preferences.js';
import { racksView } from './racks.js';
import { searchView } from './search.js';
import { keysView, signinView } from './signin.js';
import { asOf, base, here, navigate, onNavigate, parse, url } from './state.js';

const views = {
    '': homeView,
    search: searchView,
    list: listView,
    object: objectView,
    racks: racksView,
    pools: poolsView,
    managers: managersView,
    history: historyView,
    preferences: preferencesView,
    new: createView,
    signin: signinView,
    keys: keysView,
};
const tabs = [
    ['list', 'Objects', ''],
    ['racks', 'Racks', ''],
    ['pools', 'Pools', ''],
    ['managers', 'Managers', 'resourcemanager'],
    ['history', 'History', ''],
    ['preferences', 'Preferences', 'preferences'],
];
const scrolled = new Map();
let running,
    at = history.state?.at ?? 0;

function bar(view) {
    const box = h('input', {
        type: 'search',
        name: 'q',
        id: 'find',
        placeholder: 'Find a name, an address, a text',
        'aria-label': 'Search',
        autocomplete: 'off',
        'aria-keyshortcuts': '/',
        value: view === 'search' ? (new URLSearchParams(location.search).get('q') ?? '') : '',
    });
    const find = event => {
        event.preventDefault();
        if (box.value.trim()) navigate(url('search', [], { q: box.value.trim() }));
    };
    byId('bar').replaceChildren(
        ...[
            h('a', { class: 'brand', href: url('') }, 'Muster'),
            has('') &&
                h('form', { role: 'search', onsubmit: find }, box, h('kbd', { 'aria-hidden': 'true' }, '/')),
            h(
                'nav',
                { 'aria-label': 'Views' },
                tabs
                    .filter(t => has(t[2]))
                    .map(([name, label]) =>
                        h('a', { href: url(name), 'aria-current': name === view ? 'page' : null }, label),
                    ),
            ),
            h(
                'span',
                { class: 'who' },
                has('') && h('a', { href: here({ asof: asOf() ? null : 'now' }) }, asOf() ? 'Now' : 'As of'),
                ' ',
                h('a', { href: url('keys') }, 'Help'),
                ' ',
                me.name
                    ? h('b', null, me.name)
                    : h('a', { href: url('signin') }, token.get() ? 'Token' : 'Sign in'),
            ),
        ].filter(Boolean),
    );
    past(view);
}

/* The moment that is looked at, while it is not now. */
function past() {
    const line = byId('past'),
        moment = asOf();
    line.hidden = !moment;
    if (!moment) return line.replaceChildren();
    const field = h('input', {
        type: 'text',
        id: 'asof',
        value: moment,
        size: 24,
        autocomplete: 'off',
        'aria-describedby': 'asof-help',
    });
    const show = event => {
        event.preventDefault();
        const typed = field.value.trim();
        const local = /^\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?$/.test(typed)
            ? new Date(typed.includes(' ') ? typed.replace(' ', 'T') : `${typed}T00:00`).toISOString()
            : typed;
        navigate(here({ asof: local }));
    };
    line.replaceChildren(
        h(
            'form',
            { onsubmit: show },
            h('label', { for: 'asof' }, 'As of '),
            field,
            ' ',
            h('button', null, 'Show'),
            ' ',
            h('a', { href: here({ asof: null }) }, 'Back to now'),
            h(
                'span',
                { id: 'asof-help' },
                ' a time, as 2026-11-25 14:00, or a version; nothing can be changed here',
            ),
        ),
    );
}

function problem(error) {
    if (error.status === 401 && !asOf()) {
        navigate(url('signin', [], { to: location.pathname + location.search }), true);
        return null;
    }
    if (!(error instanceof ApiError)) console.error(error);
    const absent = error.status === 404;
    return h(
        'div',
        null,
        h('h1', null, absent ? 'Not found' : 'This did not work'),
        failure(error),
        !absent && h('p', null, h('button', { type: 'button', onclick: () => show() }, 'Try again')),
    );
}

function put(node, focus, top) {
    const main = byId('main');
    main.replaceChildren(node);
    main.removeAttribute('aria-busy');
    const heading = main.querySelector('h1');
    document.title = heading ? `${heading.dataset.title ?? heading.textContent} - Muster` : 'Muster';
    const again = opened.find(main),
        first = main.querySelector('[data-focus]') ?? (focus ? null : again);
    if (first) first.focus();
    else if (focus) main.focus({ preventScroll: true });
    scrollTo(0, top);
}

async function show({ focus = false, top = 0 } = {}) {
    running?.abort();
    const mine = (running = new AbortController());
    const { view, args, params } = parse(new URL(location));
    watch(null);
    bar(view);
    const slow = setTimeout(() => {
        byId('main').setAttribute('aria-busy', 'true');
        byId('status').textContent = 'Loading ...';
    }, 300);
    let node;
    try {
        if (!Object.hasOwn(views, view)) throw new ApiError(404, `There is no view "${view}".`);
        node = await views[view]({
            args,
            params,
            signal: mine.signal,
            reload: () => show({ top: scrollY }),
            following: filter => {
                mine.filter = filter;
            },
        });
    } catch (error) {
        if (error.name !== 'AbortError') node = problem(error);
    } finally {
        clearTimeout(slow);
    }
    if (mine !== running || !node) return;
    if (byId('status').textContent === 'Loading ...') byId('status').textContent = '';
    put(node, focus, top);
    if (mine.filter && !asOf() && has('')) watch(mine.filter, () => show({ top: scrollY }));
}

onNavigate((address, replace) => {
    scrolled.set(at, scrollY);
    if (!replace) at++;
    history[replace ? 'replaceState' : 'pushState']({ at }, '', address);
    show({ focus: true });
});

addEventListener('popstate', event => {
    scrolled.set(at, scrollY);
    at = event.state?.at ?? 0;
    show({ focus: true, top: scrolled.get(at) ?? 0 });
});

addEventListener('click', event => {
    const link = event.target.closest?.('a[href]');
    if (
        !link ||
        event.button ||
        event.metaKey ||
        event.ctrlKey ||
        event.shiftKey ||
        event.altKey ||
        link.target ||
        link.hasAttribute('download')
    )
        return;
    const address = new URL(link.href?.baseVal ?? link.href, location);
    if (address.origin !== location.origin || !address.pathname.startsWith(base) || address.hash) return;
    event.preventDefault();
    navigate(address.pathname + address.search);
});

history.scrollRestoration = 'manual';
listenToKeys();
if (!exactNumbers()) {
    put(
        h(
            'p',
            { class: 'error', role: 'alert' },
            'This browser changes long numbers when it reads them: please use chromium 114, firefox 135, safari 18.4 or newer.',
        ),
        false,
        0,
    );
} else {
    try {
        await start();
        show();
    } catch (error) {
        if (error.status === 401 && parse(new URL(location)).view !== 'signin')
            history.replaceState(
                null,
                '',
                url('signin', [], { to: location.pathname + location.search }),
            );
        error.status === 401 ? show() : put(problem(error), false, 0);
    }
}
