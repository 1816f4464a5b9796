"""A film: frames by PyAV, damage left out, taken up again at any frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bcl_fast._utils.files import check_is_file
from bcl_fast._utils.text import one_line
from bcl_fast._utils.threads import available_cores
from bcl_fast.errors import InputError
from bcl_fast.video._frames import LONGEST_SECONDS, SHORTEST_SIDE, Converters, Frame, Position, Source
from bcl_fast.video._packages import package

# Containers whose demuxers open nothing but the file itself: a play list could name any file or address.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,mpeg,mpegts,mpegvideo,flv,asf,ogg,mxf,dv,rm,ivf,nut,h264,hevc,"
    "m4v,obu,yuv4mpegpipe,mjpeg,wtv,vc1,nsv"
)
MOST_PIXELS = 1 << 25  # of a frame: 7680 x 4320; a decoder keeps several
_MOST_THREADS = 4  # of a decoder, each of which keeps frames
_ENCRYPTED_TAGS = ("encv", "drmi")
_MOST_ERRORS = 100  # of the container, after which it is at its end
_LEAD_SECONDS = 5.0  # that decoding begins before the frame that is wanted


class Film(Source):
    """A film file."""

    def __init__(self, path: Path) -> None:
        self.path = check_is_file(path, "film")
        self._converters = Converters()
        with self._opened() as (container, stream):
            self.rate = float(stream.average_rate or stream.guessed_rate or 25)
            seconds = _claimed_seconds(container, stream)
            if seconds > LONGEST_SECONDS:
                raise InputError(
                    f"{path}: a film of at most 1,000 hours is wanted, this one claims {seconds:,.0f} seconds"
                )
            self.n_frames = stream.frames or round(seconds * self.rate) or None
            self._first_pts = stream.start_time or 0

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        av = package("av")
        options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
        try:
            container = av.open(f"file:{self.path}", options=options, metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            raise InputError(
                f"{self.path}: a film is wanted, this is something else or damaged ({_said(error)})"
            ) from None
        with container:
            yield container, self._stream(container)

    def _stream(self, container: Any) -> Any:
        av = package("av")
        streams = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not streams:
            heard = "only sound" if container.streams.audio else "none"
            raise InputError(f"{self.path}: a film with moving pictures is wanted, got {heard}")
        stream = streams[0]
        if stream.codec_context is None:
            raise InputError(f"{self.path}: its pictures are of a kind that cannot be decoded here")
        if stream.codec_context.codec_tag in _ENCRYPTED_TAGS:
            raise InputError(f"{self.path}: the film is encrypted, and only what anybody can play can be looked at")
        context = stream.codec_context
        if context.width * context.height > MOST_PIXELS:
            raise InputError(
                f"{self.path}: frames of at most {MOST_PIXELS:,} pixels are wanted, "
                f"got {context.width} x {context.height}"
            )
        context.options = {"max_pixels": str(MOST_PIXELS)}  # they may grow in the middle of the film
        with suppress(av.FFmpegError, RuntimeError):  # a codec without threads
            context.thread_type, context.thread_count = "AUTO", min(available_cores(), _MOST_THREADS)
        return stream

    def frames(self, position: Position, start_seconds: float = 0.0) -> Iterator[Frame]:
        """Read frames, beginning with that of a position, or with the first of a film's time."""
        if position.number == 0 and start_seconds > 0:
            position = self._position_at(start_seconds)
        if position.number > 0:
            try:
                yield from self._frames_at(position)
                return
            except _NotFoundError:  # time stamps that do not tell frames apart, or nothing can be sought: count
                pass
        yield from (frame for frame in self._frames_from_start() if frame.number >= position.number)

    def _frames_from_start(self) -> Iterator[Frame]:
        for number, decoded in enumerate(self._decoded(None)):
            yield self._frame(decoded, number)

    def _frames_at(self, position: Position) -> Iterator[Frame]:
        number = None
        for decoded in self._decoded(position.pts):
            if number is None and decoded.pts == position.pts:
                number, self.n_damaged = position.number, 0
            elif number is None and (decoded.pts is None or decoded.pts > position.pts):
                break
            if number is not None:
                yield self._frame(decoded, number)
                number += 1
        if number is None:
            raise _NotFoundError

    def _frame(self, decoded: Any, number: int) -> Frame:
        seconds = number / self.rate
        if decoded.pts is not None:
            seconds = float((decoded.pts - self._first_pts) * decoded.time_base)
        return Frame(decoded, number, seconds, self._converters)

    def _decoded(self, sought: int | None) -> Iterator[Any]:
        """Decode what can be decoded, from some way before a time stamp or from the start."""
        self.n_damaged = 0
        with self._opened() as (container, stream):
            if sought is not None:
                _seek(container, stream, sought)
            for packet in self._packets(container, stream):
                try:
                    frames = packet.decode()
                except package("av").FFmpegError:
                    self.n_damaged += 1
                    continue
                for frame in frames:
                    if frame.is_corrupt or min(frame.width, frame.height) < SHORTEST_SIDE:
                        self.n_damaged += 1
                    else:
                        yield frame

    def _packets(self, container: Any, stream: Any) -> Iterator[Any]:
        """Read packets; where the container is damaged, go on behind it as long as that leads anywhere."""
        for _ in range(_MOST_ERRORS):
            try:
                yield from container.demux(stream)
                return
            except package("av").FFmpegError:
                self.n_damaged += 1

    def _position_at(self, start_seconds: float) -> Position:
        """Count the frames before a time without decoding them."""
        with self._opened() as (container, stream):
            wanted = self._first_pts + start_seconds / float(stream.time_base)
            stamps = [p.pts for p in self._packets(container, stream) if p.pts is not None and not p.is_discard]
        return Position(sum(stamp < wanted for stamp in stamps), min((s for s in stamps if s >= wanted), default=-1))


class _NotFoundError(Exception):
    """The frame of a position does not come where it should."""


def _is_cover(stream: Any) -> bool:
    """Whether a stream is the picture on a record's sleeve."""
    return "attached_pic" in str(stream.disposition).lower()


def _claimed_seconds(container: Any, stream: Any) -> float:
    if container.duration is not None:
        return container.duration / 1e6
    return 0.0 if stream.duration is None else float(stream.duration * stream.time_base)


def _seek(container: Any, stream: Any, pts: int) -> None:
    """Go to a key frame some way before a time stamp; what cannot be sought in stays at its start."""
    lead = round(_LEAD_SECONDS / float(stream.time_base))
    with suppress(package("av").FFmpegError):
        container.seek(max(stream.start_time or 0, pts - lead), stream=stream)


def _said(error: Exception) -> str:
    """Return what the library says, without the name that it was given."""
    return one_line(getattr(error, "strerror", None) or error)
