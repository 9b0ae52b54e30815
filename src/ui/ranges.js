// ranges.js: numbers as ranges.

/* "8-11, 14": ranges of adjacent units. */
export function ranges(numbers) {
    const out = [];
    for (const n of [...numbers].sort((a, b) => a - b)) {
        const last = out.at(-1);
        if (last && last[1] === n - 1) last[1] = n;
        else out.push([n, n]);
    }
    return out;
}
export const rangeText = numbers =>
    ranges(numbers)
        .map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`))
        .join(', ');

/* An IPv4 address as a number. */
export const toNumber = address => address.split('.').reduce((n, b) => n * 256 + Number(b), 0);

/* The bits of a netmask, which may be written as their number. */
export const prefixLength = mask =>
    mask.includes('.')
        ? mask.split('.').reduce((n, b) => n + Number(b).toString(2).replaceAll('0', '').length, 0)
        : Number(mask);
