() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none';
    const label = document.getElementById(e.getAttribute('aria-labelledby') || '')?.innerText;
    const said = label || e.getAttribute('aria-label') || e.innerText || e.value || e.getAttribute('name') || '';
    return [e.tagName.toLowerCase(), said.trim().split('\n')[0], seen && box.width > 0];
}
