using VlWorker.Contracts;
using VlWorker.Fetching;

namespace VlWorker.Serving.Embeddings;

/// <summary>A request to /v1/embeddings, read.</summary>
/// <param name="Inputs">One or more.</param>
/// <param name="Model">The model's alias; null takes the default.</param>
/// <param name="Encoding">One of <see cref="EmbeddingEncodings"/>.</param>
/// <param name="Dimensions">Components that the client expects; null: whatever the model has.</param>
internal sealed record EmbeddingsRequest(IReadOnlyList<EmbeddingInput> Inputs, string? Model, string Encoding, int? Dimensions);

/// <summary>What is to be embedded: exactly one of these is set.</summary>
/// <param name="Text">A text.</param>
/// <param name="Image">An object of the store.</param>
/// <param name="Open">Gives the bytes of an image that came with the request; to be called while the request's body is held.</param>
internal sealed record EmbeddingInput(string? Text = null, ImageReference? Image = null, Func<CancellationToken, Task<FetchedObject>>? Open = null);
