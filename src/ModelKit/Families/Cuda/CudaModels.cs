using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Idefics3.CudaGraphs;
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
    /// <param name="noRepeatNgramSize">Length of the n-grams that a request's tokens repeat none of by default; 0 is off.</param>
    /// <exception cref="NotSupportedException">The family has no graphs for CUDA, or there is no kernel for its heads.</exception>
    /// <exception cref="InvalidDataException">A weight is outside the range of the number format.</exception>
    public static IEnumerable<(string Name, OnnxModel Model)> Build(FamilyParameters parameters, Normalization normalization, ElementType type, int noRepeatNgramSize = 0)
    {
        StepDecoder Steps(StepDecoder decoder) => decoder with { NoRepeatNgramSize = noRepeatNgramSize };
        switch (parameters)
        {
            case VisionEncoderDecoderParameters captioner:
                return Captioner(
                    () => VisionEncoderDecoder.CudaGraphs.Encoder(captioner, normalization, type), Steps(VisionEncoderDecoder.CudaGraphs.Decoder(captioner.Decoder)), type);
            case BlipParameters blip:
                return Captioner(() => Blip.CudaGraphs.Encoder(blip, normalization, type), Steps(Blip.CudaGraphs.Decoder(blip.Text)), type);
            case BlipVqaParameters vqa:
                return Towers(() => BlipVqa.CudaGraphs.Vision(vqa, normalization, type), null)
                    .Concat(Captioner(() => BlipVqa.CudaGraphs.Encoder(vqa, type), Steps(Blip.CudaGraphs.Decoder(vqa.Answer)), type));
            case Florence2Parameters florence:
                return Towers(() => Florence2.CudaGraphs.Vision(florence, normalization, type), null)
                    .Concat(Captioner(() => Florence2.CudaGraphs.Encoder(florence, type), Steps(Florence2.CudaGraphs.Decoder(florence.Text)), type));
            case ClipParameters clip:
                return Towers(() => Clip.CudaGraphs.Vision(clip.Vision, normalization, type), () => Clip.CudaGraphs.Text(clip.Text, type));
            case SiglipParameters siglip:
                return Towers(() => Siglip.CudaGraphs.Vision(siglip, normalization, type), () => Siglip.CudaGraphs.Text(siglip, type));
            case Dinov2Parameters dinov2:
                return Towers(() => Clip.CudaGraphs.Vision(dinov2.Vision, normalization, type), null);
            case Idefics3Parameters chat:
                return Chat(chat, normalization, type);
            default:
                throw new NotSupportedException($"{parameters.Family} has no graphs for CUDA");
        }
    }

    private static IEnumerable<(string Name, OnnxModel Model)> Captioner(Func<OnnxModel> encoder, StepDecoder decoder, ElementType type)
    {
        if (!DecoderBlocks.Supports(decoder))
            throw new NotSupportedException("the decoder's heads are wider than 128, and its kernel for CUDA knows none that are");
        yield return (CudaLayout.Encoder, encoder());
        yield return (CudaLayout.Greedy, CaptionerGraphs.GreedyStep(decoder, type));
        yield return (CudaLayout.Beams, CaptionerGraphs.BeamStep(decoder, type));
    }

    private static IEnumerable<(string Name, OnnxModel Model)> Towers(Func<OnnxModel> vision, Func<OnnxModel>? text)
    {
        yield return (CudaLayout.Vision, vision());
        if (text is not null)
            yield return (CudaLayout.Text, text());
    }

    private static IEnumerable<(string Name, OnnxModel Model)> Chat(Idefics3Parameters chat, Normalization normalization, ElementType type)
    {
        yield return (CudaLayout.Vision, ChatCudaGraphs.Vision(chat, normalization, type));
        yield return (CudaLayout.Prompt, ChatCudaGraphs.Prompt(chat.Text, type));
        yield return (CudaLayout.Greedy, ChatCudaGraphs.Step(chat.Text, type));
    }
}
