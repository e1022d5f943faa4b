"""Animations from frames at chosen steps, for notebooks and files."""

import base64
import hashlib
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from matplotlib import animation as mpl_animation
from matplotlib.animation import AbstractMovieWriter, FuncAnimation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from eicon._files import atomic_file, write_text

_DPI = 100.0
_PLAYER = """<div id="{name}"><img alt="animation" style="max-width: 100%"><br>
<button>&#9199;</button> <input type="range" min="0" max="{last}" value="0" style="width: 60%"> <span></span></div>
<script>
(function () {{
  const frames = [{frames}];
  const [picture, , button, slider, number] = document.getElementById("{name}").children;
  let playing = true;
  function show(k) {{
    picture.src = "data:image/png;base64," + frames[k];
    slider.value = k;
    number.textContent = (k + 1) + " / " + frames.length;
  }}
  button.onclick = () => {{ playing = !playing; }};
  slider.oninput = () => {{ playing = false; show(Number(slider.value)); }};
  setInterval(() => {{ if (playing) show((Number(slider.value) + 1) % frames.length); }}, {interval});
  show(0);
}})();
</script>"""


class Inline(str):
    """HTML of an animation, which notebooks display."""

    def _repr_html_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"<animation, {len(self) / 1e6:.1f} MB of HTML>"


def inline(animation: FuncAnimation, *, fps: int = 15) -> Inline:
    """Render an animation for a notebook, and close its figure.

    Parameters
    ----------
    animation : FuncAnimation
        Result of an `animate_...` function of this package.
    fps : int
        Frames per second.

    Returns
    -------
    Inline
        Self-contained HTML as a str; notebooks show it with a player.
    """
    frames = []
    for picture in _pictures(animation, 64):
        stream = io.BytesIO()
        picture.save(stream, format="png", optimize=True)
        frames.append(base64.b64encode(stream.getvalue()).decode())
    # The same animation always has the same name, so that rerunning a notebook does not change it.
    name = "animation-" + hashlib.sha256("".join(frames).encode()).hexdigest()[:12]
    listed = ",\n".join(f'"{frame}"' for frame in frames)
    return Inline(_PLAYER.format(name=name, last=len(frames) - 1, frames=listed, interval=round(1000 / fps)))


def save_animation(animation: FuncAnimation, path: str | os.PathLike[str], *, fps: int = 15) -> Path:
    """Write an animation to a file, whole or not at all, and close its figure.

    Parameters
    ----------
    animation : FuncAnimation
        Result of an `animate_...` function of this package.
    path : path
        The extension sets the format: ``.html`` (a self-contained page with a player), ``.gif``,
        ``.webp``, or ``.mp4`` (if ffmpeg is installed).
    fps : int
        Frames per second.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        For a different extension, or .mp4 without ffmpeg.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in (".html", ".gif", ".webp", ".mp4"):
        raise ValueError(f"`path` must end in .html, .gif, .webp or .mp4; got {target.name!r}.")
    if ending == ".html":
        player = inline(animation, fps=fps)
        write_text(target, f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>{player}</body></html>\n')
    elif ending == ".mp4":
        _save_film(animation, target, fps)
    else:
        first, *others = _pictures(animation, 128)
        with atomic_file(target) as stream:
            options: dict[str, Any] = {"lossless": True} if ending == ".webp" else {}
            duration = round(1000 / fps)
            first.save(
                stream, format=ending[1:], save_all=True, append_images=others, duration=duration, loop=0, **options
            )
    return target


def _save_film(animation: FuncAnimation, target: Path, fps: int) -> None:
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    if not mpl_animation.writers.is_available("ffmpeg"):
        raise ValueError(".mp4 needs ffmpeg, which is not installed here; .html, .gif and .webp work without it.")
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "animation.mp4"
        animation.save(whole, writer="ffmpeg", fps=fps, dpi=_DPI)
        plt.close(_figure_of(animation))
        with atomic_file(target) as stream:
            stream.write(whole.read_bytes())


class _Grabber(AbstractMovieWriter):
    """Writer that keeps the canvas; those of matplotlib draw every frame three times."""

    def setup(self, fig: Any, outfile: Any, dpi: Any = None) -> None:
        super().setup(fig, outfile, dpi)
        self.pictures: list[Image.Image] = []

    def grab_frame(self, **savefig_kwargs: Any) -> None:
        canvas = self.fig.canvas
        if type(canvas) is not FigureCanvasAgg:  # the canvas of a window draws later
            canvas = FigureCanvasAgg(self.fig)
            canvas.draw()
        self.pictures.append(Image.fromarray(np.asarray(canvas.buffer_rgba()).copy()).convert("RGB"))

    def finish(self) -> None:
        pass


def _pictures(animation: FuncAnimation, colours: int) -> list[Image.Image]:
    """Return all frames with one palette (with separate ones, colours flicker), and close the figure."""
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    grabber = _Grabber()
    try:
        animation.save("unused", writer=grabber)
    finally:
        plt.close(_figure_of(animation))
    every = max(1, len(grabber.pictures) // 8)
    strip = np.concatenate([np.asarray(picture) for picture in grabber.pictures[::every]])
    palette = Image.fromarray(strip).quantize(colours)
    table = np.array(palette.getpalette()).reshape(-1, 3)
    # Restore white, which Pillow mixes with the pale colours near it.
    table[(table >= 247).all(axis=1)] = 255
    palette.putpalette(table.ravel().tolist())
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in grabber.pictures]


def own_figure(figure: Figure | None, size: tuple[float, float], *, right: float = 1.0) -> Figure:
    """Return `figure`, or a new one; `right` leaves a margin for the labels of a moving axis."""
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    if figure is not None:
        return figure
    figure = plt.figure(figsize=size, dpi=_DPI)
    figure.set_layout_engine("constrained", rect=(0.0, 0.0, right, 1.0))
    return figure


def _figure_of(animation: FuncAnimation) -> Any:
    return animation._fig  # type: ignore[attr-defined]


def frame_steps(times: np.ndarray, frames: int, *, since: float | None = None) -> Int[np.ndarray, "frames"]:
    """Return the steps to show, evenly spaced from the first (or the time `since`) to the last."""
    if frames < 2:
        raise ValueError(f"`frames` must be at least 2; got {frames}.")
    first = 0 if since is None else int(np.searchsorted(times, since))
    return np.linspace(min(first, times.size - 1), times.size - 1, frames).round().astype(int)


def animate(figure: Figure, draw: Callable[[int], None], frames: int) -> FuncAnimation:
    """Make an animation of `draw`, which is called with the number of the frame."""
    draw(0)
    # Laid out once: a layout per frame is slow, and makes the panels jitter.
    figure.canvas.draw()
    figure.set_layout_engine("none")

    def step(frame: int) -> tuple[()]:
        draw(frame)
        return ()

    return FuncAnimation(figure, step, frames=frames, interval=1000.0 / 15.0, blit=False, cache_frame_data=False)
