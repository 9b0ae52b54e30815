// diff.js: changes in words: before and after of each attribute, as /diff and Clusto-Diff have them.
import { textOf } from './api.js';
import { ago, h, timeOf } from './dom.js';
import { objectLink } from './links.js';
import { rangeText } from './ranges.js';
import { nameOf, objectUrl, url } from './state.js';

export const attrName = a =>
    [a.key, a.subkey].filter(x => x !== null && x !== '').join('.') +
    (a.number === null ? '' : `:${textOf(a.number)}`);

function values(name, before, after) {
    return h(
        'li',
        null,
        `${name}: `,
        before && h('del', null, h('span', { class: 'skip' }, 'before '), before),
        before && after && ' ',
        after && h('ins', null, h('span', { class: 'skip' }, 'after '), after),
    );
}

const valueText = value => value && (value.value === null ? 'no value' : textOf(value.value) || '""');

/* What a container contains: an object once, with its units. */
function contained(attrs) {
    const all = new Map();
    for (const a of attrs) {
        const sign = a.after ? 'in' : 'out',
            key = `${sign} ${(a.after ?? a.before).value}`;
        const one = all.get(key) ?? { sign, path: (a.after ?? a.before).value, units: [] };
        if (a.subkey === 'ru' && a.number !== null) one.units.push(Number(a.number));
        all.set(key, one);
    }
    const part = (sign, word, tag) => {
        const some = [...all.values()]
            .filter(c => c.sign === sign)
            .map(c => [
                h(tag, null, nameOf(String(c.path)) + (c.units.length ? ` U${rangeText(c.units)}` : '')),
                ' ',
            ]);
        return (
            some.length > 0 &&
            h(
                'li',
                null,
                `${word} `,
                some.slice(0, 12),
                some.length > 12 &&
                    h('details', null, h('summary', null, `${some.length - 12} more`), some.slice(12)),
            )
        );
    };
    return [part('out', 'no longer contains', 'del'), part('in', 'contains', 'ins')].filter(Boolean);
}

function lines(attrs) {
    const all = [
        ...contained(attrs.filter(a => a.key === '_contains')),
        ...attrs
            .filter(a => a.key !== '_contains')
            .map(a => values(attrName(a), valueText(a.before), valueText(a.after))),
    ];
    return all.length > 12
        ? [
              all.slice(0, 8),
              h(
                  'li',
                  null,
                  h(
                      'details',
                      null,
                      h('summary', null, `${all.length - 8} more`),
                      h('ul', { class: 'diff' }, all.slice(8)),
                  ),
              ),
          ]
        : all;
}

const words = o =>
    ({
        created: 'created',
        deleted: 'deleted',
        changed: '',
        referenced: 'referred to',
        renamed: `renamed, was ${o.was ? nameOf(o.was) : ''}`,
    })[o.change] ?? o.change;

function changedObject(o) {
    const name = o.object ? nameOf(o.object) : 'an object that is gone';
    return h(
        'li',
        null,
        h('a', { href: o.object && o.change !== 'deleted' ? objectUrl(name) : null }, name),
        words(o) && h('span', { class: 'quiet' }, ` ${words(o)}`),
        o.attrs.length > 0 && h('ul', { class: 'diff' }, lines(o.attrs)),
    );
}

export function changes(objects, more) {
    const seen = objects.filter(o => o.change !== 'referenced' || o.attrs.length);
    if (!seen.length) return h('p', { class: 'quiet' }, 'Nothing would be different.');
    return h(
        'ul',
        { class: 'diff' },
        seen.map(changedObject),
        more ? h('li', { class: 'quiet' }, `and ${more} more objects`) : null,
    );
}

/* What a version did to one object. */
export const whatOf = (v, name) =>
    h(
        'ul',
        { class: 'diff flat' },
        v.objects
            .filter(o => nameOf(o.object ?? '') === name || (o.was && nameOf(o.was) === name))
            .map(o => [words(o) && h('li', { class: 'quiet' }, words(o)), lines(o.attrs)]),
    );

/* The objects of a version, the first of them by name. */
export const objectsOf = v => [
    v.objects.slice(0, 3).map(o => [o.object ? objectLink(nameOf(o.object), { class: 'item' }) : '? ', ' ']),
    v.objects.length + v.more > 3 &&
        h('span', { class: 'quiet' }, `and ${v.objects.length + v.more - 3} more`),
];

/* A line of a table of versions; what it did may be a cell. */
export function versionRow(v, what) {
    return h(
        'tr',
        { 'data-row': true },
        h(
            'th',
            { scope: 'row' },
            h('a', { href: url('history', [v.version], { asof: null }) }, String(v.version)),
        ),
        h('td', null, timeOf(v.time, ago(v.time))),
        h('td', null, v.user ?? ''),
        h('td', null, v.description),
        what,
    );
}
