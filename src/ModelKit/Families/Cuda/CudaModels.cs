using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Clip.CudaGraphs;
using VlWorker.ModelKit.Families.VisionEncoderDecoder.CudaGraphs;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>All graphs of a model for CUDA.</summary>
internal static class CudaModels
{
    /// <summary>Builds them one after the other, by the names of <see cref="CudaLayout"/>.</summary>
    /// <param name="parameters">The weights.</param>
    /// <param name="normalization">How 8-bit pixels become the encoder's floats.</param>
    /// <param name="type">Float16 or Float.</param>
    /// <exception cref="NotSupportedException">The family has no graphs for CUDA, or there is no kernel for its heads.</exception>
    /// <exception cref="InvalidDataException">A weight is outside the range of the number format.</exception>
    public static IEnumerable<(string Name, OnnxModel Model)> Build(FamilyParameters parameters, Normalization normalization, ElementType type)
    {
        switch (parameters)
        {
            case VisionEncoderDecoderParameters captioner:
                if (!CaptionerCudaGraphs.Supports(captioner.Decoder))
                    throw new NotSupportedException("the decoder's heads are not 32, 64 or 128 wide, and its kernel for CUDA knows no others");
                yield return (CudaLayout.Encoder, CaptionerCudaGraphs.Encoder(captioner, normalization, type));
                yield return (CudaLayout.Greedy, CaptionerCudaGraphs.GreedyStep(captioner.Decoder, type));
                yield return (CudaLayout.Beams, CaptionerCudaGraphs.BeamStep(captioner.Decoder, type));
                break;
            case ClipParameters clip:
                yield return (CudaLayout.Vision, ClipCudaGraphs.Vision(clip, normalization, type));
                yield return (CudaLayout.Text, ClipCudaGraphs.Text(clip, type));
                break;
            default:
                throw new NotSupportedException($"{parameters.ModelType} has no graphs for CUDA");
        }
    }
}
