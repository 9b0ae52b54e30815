// list.js: a table of what a query finds.
import { drivers, may, quote } from './api.js';
import { bulk } from './bulk.js';
import { chosen, keep, usual, valid } from './columns.js';
import { button, failure, h, plural, say } from './dom.js';
import { Rows, asQuery, download, pathOf } from './rows.js';
import { windowed } from './window.js';
import { here, nameOf, navigate, remember, url } from './state.js';

/* A click sorts; a second one the other way. */
function headsOf(cols, sort) {
    return cols.map(c => {
        const now = sort.replace(/^-/, '') === c,
            down = sort.startsWith('-');
        return h(
            'th',
            {
                scope: 'col',
                class: c === 'name' ? 'name' : null,
                'aria-sort': now ? (down ? 'descending' : 'ascending') : null,
            },
            c === 'U'
                ? 'U'
                : button(c + (now ? (down ? ' ▾' : ' ▴') : ''), () =>
                      navigate(here({ sort: now && !down ? `-${c}` : c }), true),
                  ),
        );
    });
}

/* Which columns are shown; the choice is kept. */
function chooser(driver, cols, all) {
    const choose = h('input', {
        value: cols.join(','),
        size: 50,
        'aria-label': 'Columns, separated by commas',
        autocomplete: 'off',
        spellcheck: 'false',
    });
    return h(
        'details',
        null,
        h('summary', null, 'Columns'),
        h(
            'form',
            {
                onsubmit: e => {
                    e.preventDefault();
                    const wanted = choose.value
                        .split(',')
                        .map(c => c.trim())
                        .filter(valid);
                    keep(driver, wanted).catch(() => {});
                    navigate(here({ cols: wanted.join(',') }));
                },
            },
            choose,
            ' ',
            button('Usual', () => {
                keep(driver, usual(all, driver)).catch(() => {});
                navigate(here({ cols: null }));
            }),
            h('button', null, 'Show'),
        ),
    );
}

export async function listView({ args, params, signal, reload, following }) {
    const [driver = ''] = args,
        typed = params.get('q') ?? '';
    const all = await drivers();
    const cols = (params.get('cols')?.split(',') ?? (await chosen(driver)) ?? usual(all, driver))
        .map(c => c.trim())
        .filter(valid);
    if (!cols.includes('name')) cols.unshift('name');
    /* On a line of its own, so that a complaint about a column means what was typed. */
    const asked = typed && asQuery(typed);
    const kind = driver && `is ${quote(driver)}`;
    const rows = new Rows(
        kind && asked ? `${kind} and (\n${asked})` : kind || asked || 'not driver = clustometa',
        cols,
    );
    Object.assign(rows, { words: params.get('filter') ?? '', sort: params.get('sort') ?? '' });
    following(driver ? { driver } : {});
    const trouble = h('div');
    try {
        await rows.more(200, signal);
        if (rows.words || rows.sort) await rows.rest(signal);
    } catch (e) {
        if (e.status !== 400) throw e;
        rows.next = null;
        trouble.replaceChildren(failure(e));
    }
    rows.arrange();

    const ticked = may('write', 'attribute') ? new Set() : null;
    const count = h('span', { class: 'quiet', role: 'status' });
    const group = ticked && bulk(ticked, reload);
    let busy = false;
    const failed = e => {
        if (e.name !== 'AbortError') trouble.replaceChildren(failure(e));
    };
    const view = windowed(
        rows,
        ticked,
        () => onTick(),
        async () => {
            if (busy || rows.reading || rows.words || !rows.partial) return;
            busy = true;
            const done = await rows.more(1000, signal).then(() => true, failed);
            busy = false;
            if (done === true) refresh(false);
        },
    );
    const refresh = fresh => {
        rows.arrange();
        remember(rows.shown.slice(0, 2000).map(r => nameOf(pathOf(r))));
        const some = rows.next ? ' or more' : '';
        const first = rows.next && !rows.partial ? 'the first ' : '';
        count.textContent =
            rows.shown.length === rows.all.length
                ? `${plural(rows.all.length, 'object')}${some}`
                : `${plural(rows.shown.length, 'object')} of ${first}${rows.all.length.toLocaleString('en')}${first ? '' : some}`;
        table.setAttribute('aria-rowcount', rows.next ? -1 : rows.shown.length + 1);
        view.paint(fresh);
    };
    /* Whether all was read, or as much as is kept here. */
    const whole = fresh =>
        rows
            .rest(signal, () => refresh(fresh))
            .then(() => {
                refresh(fresh);
                return true;
            }, failed);
    const exported = async () => {
        if (!ticked?.size && !(await whole(false))) return;
        download(rows, ticked);
        if (rows.next) say(`Exported of the first ${plural(rows.all.length, 'object')} only`);
    };
    const q = h('input', {
        type: 'search',
        name: 'q',
        value: typed,
        class: 'grow',
        placeholder: 'is basicserver and attr owner = core, or words of a name',
        'aria-label': 'Query',
        autocomplete: 'off',
        spellcheck: 'false',
    });
    const filter = h('input', {
        type: 'search',
        value: rows.words,
        'aria-label': 'Filter the rows',
        placeholder: 'Filter',
        size: 16,
    });
    filter.addEventListener('input', () => {
        rows.words = filter.value;
        history.replaceState(history.state, '', here({ filter: rows.words }));
        refresh(true);
        if (rows.words && rows.partial) whole(true);
    });
    const tickAll = h('input', {
        type: 'checkbox',
        'aria-label': 'Tick all rows',
        onchange: async () => {
            ticked.clear();
            if (tickAll.checked && (await whole(false))) {
                for (const r of rows.shown) ticked.add(pathOf(r));
            }
            dispatchEvent(new Event('ticked'));
        },
    });
    const onTick = () => {
        tickAll.checked = ticked.size > 0 && ticked.size === rows.shown.length;
        group.draw();
    };
    const table = h(
        'table',
        { class: 'rows', 'aria-label': 'Objects' },
        h(
            'thead',
            null,
            h(
                'tr',
                null,
                ticked && h('th', { class: 'tick' }, tickAll),
                headsOf(cols, rows.sort),
            ),
        ),
        view.body,
    );
    addEventListener('scroll', () => view.paint(false), { passive: true, signal });
    addEventListener('resize', () => view.paint(false), { signal });
    addEventListener('beforeprint', () => view.paint(true, true), { signal });
    addEventListener('afterprint', () => view.paint(true), { signal });
    addEventListener(
        'ticked',
        () => {
            view.paint(true);
            onTick();
        },
        { signal },
    );
    requestAnimationFrame(() => view.paint(false));
    refresh(true);
    return h(
        'div',
        null,
        h('h1', null, driver || 'Objects', h('small', null, count)),
        h(
            'div',
            { class: 'tools' },
            h(
                'form',
                {
                    class: 'grow',
                    onsubmit: e => {
                        e.preventDefault();
                        navigate(here({ q: q.value.trim() }));
                    },
                },
                q,
            ),
            filter,
            button('Export CSV', exported),
            may('write') && h('a', { href: url('new', [], { driver }) }, 'New object'),
            chooser(driver, cols, all),
        ),
        trouble,
        group?.node,
        table,
    );
}
