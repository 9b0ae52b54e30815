// rows.js: what a query found, as one text for each object: small, and quick to filter and to sort.
import { query, quote } from './api.js';
import { cellOf, fieldsOf } from './columns.js';
import { h } from './dom.js';
import { driverOf, nameOf } from './state.js';

const SEPARATOR = '\u001f';
const MOST_ROWS = 100000;
const order = new Intl.Collator('en', { numeric: true });
const language =
    /[=<>^~()!&|]|\b(is|isnt|attr|within|has|in|like|exists|all|contains|startswith|refers|not)\b/i;

/* Words without an operator are looked for in names. */
export const asQuery = text =>
    language.test(text)
        ? text
        : text
              .trim()
              .split(/\s+/)
              .map(w => `name ~ ${quote(w)}`)
              .join(' and ');

/* Each text is the path, then the cells, but for those that are in the path already. */
const inPath = { name: nameOf, driver: driverOf };
export const pathOf = text => text.split(SEPARATOR, 1)[0];

export class Rows {
    constructor(q, cols) {
        const kept = cols.filter(c => !Object.hasOwn(inPath, c));
        Object.assign(this, { q, cols, kept, all: [], next: '0', shown: [], words: '', sort: '' });
    }
    /* The cells of a row. */
    cells(text) {
        const [path, ...rest] = text.split(SEPARATOR);
        return this.cols.map(c => inPath[c]?.(path) ?? rest[this.kept.indexOf(c)]);
    }
    /* Two may ask for the same page; the first one is taken. */
    async more(most, signal) {
        const after = this.next,
            limit = Math.min(most, MOST_ROWS - this.all.length);
        const { rows, next } = await query(this.q, fieldsOf(this.cols), { after, limit, signal });
        if (this.next !== after) return;
        for (const r of rows) this.all.push([r.path, ...this.kept.map(c => cellOf(c, r))].join(SEPARATOR));
        this.next = next;
    }
    get partial() {
        return this.next && this.all.length < MOST_ROWS;
    }
    async readAll(signal, progress) {
        while (this.partial) {
            await this.more(5000, signal);
            progress?.();
        }
    }
    /* One at a time reads all; the others wait for it. */
    rest(signal, progress) {
        this.reading ??= this.readAll(signal, progress).finally(() => {
            this.reading = null;
        });
        return this.reading;
    }
    arrange() {
        const words = this.words.toLowerCase();
        this.shown = words ? this.all.filter(r => r.toLowerCase().includes(words)) : this.all;
        const at = this.cols.indexOf(this.sort.replace(/^-/, ''));
        if (at < 0) return;
        const keyed = this.shown.map(r => [this.cells(r)[at], r]);
        keyed.sort((a, b) => order.compare(a[0], b[0]));
        if (this.sort.startsWith('-')) keyed.reverse();
        this.shown = keyed.map(k => k[1]);
    }
}

/* A spreadsheet does not run what it reads here. */
const csvCell = text => `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

/* Those that are ticked, or all that pass the filter. */
export function download(rows, ticked) {
    const some = ticked?.size
        ? rows.shown.filter(r => ticked.has(pathOf(r)))
        : rows.shown;
    const text =
        [rows.cols.map(csvCell), ...some.map(r => rows.cells(r).map(csvCell))]
            .map(l => l.join(','))
            .join('\r\n') + '\r\n';
    const link = h('a', {
        href: URL.createObjectURL(new Blob([text], { type: 'text/csv' })),
        download: 'muster.csv',
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
