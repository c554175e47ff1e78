/** Measures the layout of a report. Runs in the browser. */
export function measure() {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const box = (element) => element.getBoundingClientRect();
  const start = (element) => element.outerHTML.slice(0, 120);
  const main = box(document.querySelector('main'));

  const outside = all('body *').filter((element) => {
    const { left, right, width } = box(element);
    return width > 0 && (left < main.left - 1 || right > main.right + 1);
  });
  const overfull = all('html, .scroll, figure, figure div, pre, td, th')
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1);

  const hasText = ({ childNodes }) => [...childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim());
  const small = all('body *').filter((element) => {
    const scale = element instanceof SVGElement ? element.getScreenCTM?.().a ?? 0 : 1;
    return scale > 0 && hasText(element) && parseFloat(getComputedStyle(element).fontSize) * scale < 11.99;
  });

  const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const labels = all('.plot').map((plot) => [...plot.querySelectorAll('text')]);
  const overlaps = labels.flatMap((texts) => texts.flatMap((text, i) => texts.slice(0, i)
    .filter((other) => overlap(box(text), box(other)))
    .map((other) => `${text.textContent} and ${other.textContent}`)));

  const unusedPlots = all('.chart .plot').filter((plot) => {
    const { marginLeft, marginRight } = getComputedStyle(plot);
    const used = box(plot).width + parseFloat(marginLeft) + parseFloat(marginRight);
    return Math.abs(used - box(plot.parentElement).width) > 1;
  });
  const unusedRows = all('.gallery').filter((gallery) =>
    Math.abs(box(gallery.lastElementChild).right - box(gallery).right) > 1);

  const style = (element, names) => {
    const computed = getComputedStyle(element);
    return Object.fromEntries(names.map((name) => [name, computed[name]]));
  };
  return {
    tooWide: [...outside, ...overfull].map(start),
    tooSmall: small.map(start),
    labels: labels.flat().length,
    overlaps,
    unfilled: [...unusedPlots, ...unusedRows].map(start),
    multiples: all('.multiples .plot').map((plot) => `${Math.round(box(plot).width)} x ${Math.round(box(plot).height)}`),
    captions: all('figcaption, caption').map((caption) =>
      JSON.stringify(style(caption, ['color', 'fontFamily', 'fontSize', 'fontStyle', 'fontWeight']))),
    contents: all('nav a').map((link) => ({
      text: link.textContent,
      height: box(link).height,
      leadsTo: document.getElementById(link.hash.slice(1))?.querySelector('h2, h3')?.tagName ?? 'nothing',
    })),
    breakable: all('figure, tr, pre').filter((part) => getComputedStyle(part).breakInside !== 'avoid').map(start),
    colours: style(document.documentElement, ['backgroundColor', 'color']),
  };
}
