// live.js: says that something on the page was changed, by whom; the page itself stays as it is until one asks.
import { isOwn, path, request } from './api.js';
import { ago, button, byId, h } from './dom.js';
import { nameOf } from './state.js';

let filter = null,
    onShow = () => {},
    poll = null,
    generation = 0;

const pause = ms => new Promise(done => setTimeout(done, ms));

function tell(changes) {
    const last = changes.at(-1);
    const what = changes.length === 1 && last.object ? nameOf(last.object) : `${changes.length} objects`;
    byId('live').replaceChildren(
        h(
            'span',
            null,
            `${what} changed`,
            last.user && ` by ${last.user}`,
            last.time && `, ${ago(last.time)} `,
        ),
        button('Show', () => {
            byId('live').replaceChildren();
            onShow();
        }),
    );
}

async function follow(mine, signal) {
    let since = 'now',
        all = [];
    while (mine === generation) {
        try {
            const { body, header } = await request('GET', path('', 'changes'), {
                params: { since, attrs: 'false', ...filter },
                past: false,
                signal,
                headers: since === 'now' ? {} : { 'Clusto-Wait': '50' },
            });
            if (mine !== generation) return;
            since = header('Clusto-Next');
            all.push(...body.filter(c => !isOwn(c.version)));
            if (all.length) tell((all = all.slice(-1000)));
        } catch (error) {
            if (error.name === 'AbortError' || [401, 403, 404, 409].includes(error.status)) return;
            if (error.status === 410) since = 'now';
            await pause(error.status === 429 ? 30000 : 3000);
        }
    }
}

function begin() {
    poll?.abort();
    poll = null;
    generation++;
    if (!filter || document.hidden) return;
    poll = new AbortController();
    follow(generation, poll.signal);
}

/* From now on tells about changes that pass the filter (parameters of /changes); null: about none. */
export function watch(wanted, show) {
    filter = wanted;
    onShow = show;
    byId('live').replaceChildren();
    begin();
}

document.addEventListener('visibilitychange', begin);
