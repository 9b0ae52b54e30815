// signin.js: a token for this tab, where the server wants one; and the list of keys.
import { get, me, path, start, token } from './api.js';
import { failure, h, row, table } from './dom.js';
import { keyList } from './keys.js';
import { base, navigate, url } from './state.js';

export async function signinView({ params }) {
    const field = h('input', {
        id: 'token',
        type: 'password',
        autocomplete: 'off',
        required: true,
        'data-focus': true,
        size: 50,
    });
    const answer = h('div');
    const asked = params.get('to') ?? '';
    const to = asked.startsWith(base) && !asked.startsWith('//') ? asked : url('');
    const submit = async event => {
        event.preventDefault();
        answer.replaceChildren();
        token.set(field.value.trim());
        try {
            await start();
            navigate(to, true);
        } catch (error) {
            token.set('');
            answer.replaceChildren(failure(error));
        }
    };
    const out = async () => {
        token.set('');
        Object.assign(me, { name: null, by: 'nobody', roles: {} });
        await get(path('', '__version__')).catch(() => {});
        location.assign(url(''));
    };
    return h(
        'form',
        { onsubmit: submit, class: 'narrow' },
        h('h1', null, 'Sign in'),
        h('p', null, h('label', { for: 'token' }, 'Token'), h('br'), field),
        answer,
        h(
            'p',
            null,
            h('button', { class: 'main' }, 'Sign in'),
            ' ',
            token.get() && h('button', { type: 'button', onclick: out }, 'Sign out'),
        ),
        h(
            'p',
            { class: 'quiet' },
            'The operator of the server makes tokens: muster token add. It is kept in this tab only, until it is closed.',
        ),
    );
}

export async function keysView() {
    return h(
        'div',
        { class: 'narrow' },
        h('h1', null, 'Keys'),
        h(
            'p',
            null,
            me.version && `Muster ${me.version}. `,
            h('a', { href: `${path('')}/`, target: '_top' }, 'Documentation of the requests'),
        ),
        table(
            ['Key', 'What it does'],
            keyList.map(([key, what]) => row([h('kbd', null, key), what])),
        ),
        h(
            'p',
            { class: 'quiet' },
            'Keys do nothing while one is typing. Each of them is there as a link or a button, too.',
        ),
    );
}
