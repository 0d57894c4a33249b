() => {
    const parts = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
    const light = (c) => { const [r, g, b] = c.slice(0, 3).map((x) => x / 255)
        .map((x) => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05); };
    const alpha = (c) => c.length > 3 ? c[3] : 1;
    const behind = (e) => { for (let p = e; p; p = p.parentElement) { const style = getComputedStyle(p);
        if (style.backgroundImage !== 'none' || style.opacity !== '1' || style.filter !== 'none') return null;
        const colour = parts(style.backgroundColor); if (alpha(colour) === 1) return colour;
        if (alpha(colour) > 0) return null; } return [255, 255, 255]; };
    const found = new Map(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
        if (!text || ['SCRIPT', 'STYLE'].includes(e.tagName)) continue;
        const style = getComputedStyle(e), box = e.getBoundingClientRect(), drawn = !!e.ownerSVGElement;
        if (box.width < 1 || box.height < 1 || style.visibility !== 'visible') continue;
        if (drawn && ['title', 'desc'].includes(e.tagName)) continue;
        const ground = behind(e), colour = parts(drawn ? style.fill : style.color);
        const size = parseFloat(style.fontSize);
        const needed = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700 ? 3 : 4.5;
        const where = [e.tagName.toLowerCase(), ...e.classList].join('.');
        const seen = ground && alpha(colour) === 1 ? ratio(colour, ground) : null;
        const told = text.slice(0, 40);
        if (seen === null) found.set(where + '?', `undecided color-contrast: ${where}: ${told}`);
        else if (seen < needed) found.set(where, `color-contrast: ${where}: ${seen.toFixed(2)}: ${told}`);
    }
    return [...found.values()];
}
