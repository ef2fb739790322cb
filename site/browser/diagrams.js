// Runs in the page: draws the Mermaid diagrams in the reader's theme, again whenever it changes; without it their source is seen.
import mermaid from "mermaid";

const dark = matchMedia("(prefers-color-scheme: dark)");
const diagrams = [...document.querySelectorAll("pre.mermaid")].map((place) => ({
  place,
  source: place.textContent,
}));

async function draw() {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: dark.matches ? "dark" : "neutral",
    fontFamily: getComputedStyle(document.body).fontFamily,
  });
  for (const [i, { place, source }] of diagrams.entries()) {
    const { svg } = await mermaid.render(`diagram-${i}`, source);
    place.innerHTML = svg;
  }
  document.documentElement.dataset.diagrams = "drawn";
}

dark.addEventListener("change", draw);
draw();
