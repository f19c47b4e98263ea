namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>What decides about kernels.</summary>
/// <param name="Size">Images of the batch.</param>
/// <param name="Positions">Positions of each.</param>
internal readonly record struct BatchShape(int Size, int Positions);
