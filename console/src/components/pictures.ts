/** Pictures of SVG elements as files that open by themselves. */

const NAMESPACE = "http://www.w3.org/2000/svg";
/** The computed properties that a picture needs; the file has no style sheet. */
const PROPERTIES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "stroke-opacity",
  "opacity",
  "paint-order",
  "font-size",
  "font-weight",
  "text-anchor",
  "dominant-baseline",
  "visibility",
] as const;
const FONTS = "system-ui, sans-serif";
/** Pixels of the file for each pixel of the page. */
const DENSITY = 2;

/** A picture as an SVG file: colors and fonts are written into it, and nothing can be clicked. */
export function svgFile(svg: SVGSVGElement): string {
  const { width, height } = naturalSize(svg);
  const copy = svg.cloneNode(true) as SVGSVGElement;
  copyStyles(svg, copy);
  const ground = document.createElementNS(NAMESPACE, "rect");
  ground.setAttribute("width", String(width));
  ground.setAttribute("height", String(height));
  ground.setAttribute("fill", groundColor(svg));
  copy.prepend(ground);
  copy.setAttribute("xmlns", NAMESPACE);
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  copy.setAttribute("font-family", FONTS);
  return new XMLSerializer().serializeToString(copy);
}

/** A picture as a PNG file, with twice the pixels of the page. */
export async function pngFile(svg: SVGSVGElement): Promise<Blob> {
  const { width, height } = naturalSize(svg);
  const address = URL.createObjectURL(new Blob([svgFile(svg)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * DENSITY);
    canvas.height = Math.round(height * DENSITY);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => {
      canvas.toBlob(resolve, "image/png");
    });
    if (!blob) throw new Error("The picture is too large for a PNG file. Save it as SVG.");
    return blob;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function naturalSize(svg: SVGSVGElement): { width: number; height: number } {
  const box = svg.viewBox.baseVal;
  if (box.width > 0) return { width: box.width, height: box.height };
  return { width: svg.width.baseVal.value, height: svg.height.baseVal.value };
}

function groundColor(element: Element): string {
  for (let at: Element | null = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (color !== "rgba(0, 0, 0, 0)" && color !== "transparent") return color;
  }
  return "white";
}

/** Parts that only serve the pointer. */
const FOR_POINTER = ".reach, .handle, .card-button, .who-target, [aria-label=tip]";

function copyStyles(from: Element, to: Element): void {
  const computed = getComputedStyle(from);
  for (const property of PROPERTIES) {
    const value = computed.getPropertyValue(property);
    if (value) to.setAttribute(property, value);
  }
  for (const name of [
    "class",
    "style",
    "role",
    "tabindex",
    "data-element",
    "aria-hidden",
    "aria-label",
    "aria-pressed",
  ]) {
    to.removeAttribute(name);
  }
  const copies = [...to.children];
  [...from.children].forEach((child, index) => {
    const copy = copies[index];
    if (child.matches(FOR_POINTER)) copy?.remove();
    else if (copy) copyStyles(child, copy);
  });
}
