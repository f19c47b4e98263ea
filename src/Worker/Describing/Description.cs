using VlWorker.Contracts;

namespace VlWorker.Describing;

/// <summary>What the stages say about an image; whoever asked makes an answer of it.</summary>
/// <param name="Image">What was read.</param>
/// <param name="Outputs">One a task, in the order of the request.</param>
/// <param name="Timings">Where the time went; the time in a queue is the asker's to add.</param>
internal sealed record Description(ImageFacts Image, IReadOnlyList<Output> Outputs, Timings Timings);

/// <summary>An image as it was read.</summary>
/// <param name="VersionId">Version, where the store keeps versions.</param>
/// <param name="Etag">Entity tag without quotes, if the store has one.</param>
/// <param name="Sha256">SHA-256 of the encoded bytes, hexadecimal.</param>
/// <param name="Bytes">Size of the encoded image.</param>
/// <param name="Width">Pixels, upright.</param>
/// <param name="Height">Pixels, upright.</param>
/// <param name="Format">As in <see cref="DescribedImage.Format"/>.</param>
internal sealed record ImageFacts(string? VersionId, string? Etag, string Sha256, long Bytes, int Width, int Height, string Format);
