// What leaves its place on the page.

/** Texts and pictures that reach beyond their column, or that lie on another text of the verdict. */
export function overflowing(page) {
  return page.evaluate(() => {
    const found = [];
    const columns = [...document.querySelectorAll('header, .desk > section, main > section, footer')];
    // These are scrolled or cut off, or not seen at all.
    const isCut = (node, column) => {
      for (let at = node; at !== column; at = at.parentElement) {
        if (at.matches('.unseen, svg, option') || getComputedStyle(at).overflowX !== 'visible') return true;
      }
      return false;
    };
    const texts = (column) => {
      const walker = document.createTreeWalker(column, NodeFilter.SHOW_TEXT);
      const all = [];
      while (walker.nextNode()) {
        const { currentNode: node } = walker;
        if (!node.textContent.trim() || isCut(node.parentElement, column)) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const box of range.getClientRects()) all.push({ box, node, name: node.textContent.trim() });
      }
      return all;
    };
    const elements = (column) => [...column.querySelectorAll('*')]
      .filter((element) => !isCut(element.parentElement, column) && !element.matches('.unseen, .unseen *'))
      .map((element) => ({ box: element.getBoundingClientRect(), name: element.outerHTML.slice(0, 60) }));
    for (const column of columns) {
      const { left, right } = column.getBoundingClientRect();
      for (const { box, name } of [...texts(column), ...elements(column)]) {
        if (box.width > 0 && (box.left < left - 1 || box.right > right + 1)) found.push(`beyond its column: ${name}`);
      }
    }
    const told = texts(document.getElementById('verdict'));
    const lies = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
      Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
    told.forEach((a, i) => told.slice(i + 1).forEach((b) => {
      if (a.node !== b.node && lies(a.box, b.box)) found.push(`on each other: ${a.name}, ${b.name}`);
    }));
    const { scrollWidth } = document.scrollingElement;
    if (scrollWidth > window.innerWidth) found.push(`${scrollWidth} in a window of ${window.innerWidth}`);
    return found;
  });
}
