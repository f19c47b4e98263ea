using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>All graphs of a model for the CPU.</summary>
internal static class CpuModels
{
    /// <summary>Builds them one after the other, by the names of <see cref="CpuLayout"/>.</summary>
    /// <exception cref="NotSupportedException">The family has no graphs for the CPU.</exception>
    public static IEnumerable<(string Name, OnnxModel Model)> Build(FamilyParameters parameters, Normalization normalization, CpuPrecision precision)
    {
        switch (parameters)
        {
            case VisionEncoderDecoderParameters captioner:
                yield return (CpuLayout.Encoder, VisionEncoderDecoder.CpuGraphs.Encoder(captioner, normalization, precision));
                yield return (CpuLayout.Decoder, VisionEncoderDecoder.CpuGraphs.Decoder(captioner, precision));
                break;
            case ClipParameters clip:
                yield return (CpuLayout.Vision, Clip.CpuGraphs.Vision(clip.Vision, normalization, precision));
                yield return (CpuLayout.Text, Clip.CpuGraphs.Text(clip.Text, precision));
                break;
            case SiglipParameters siglip:
                yield return (CpuLayout.Vision, Siglip.CpuGraphs.Vision(siglip, normalization, precision));
                yield return (CpuLayout.Text, Siglip.CpuGraphs.Text(siglip, precision));
                break;
            case Dinov2Parameters dinov2:
                yield return (CpuLayout.Vision, Clip.CpuGraphs.Vision(dinov2.Vision, normalization, precision));
                break;
            case Florence2Parameters florence:
                yield return (CpuLayout.Vision, Florence2.CpuGraphs.Vision(florence, normalization, precision));
                yield return (CpuLayout.Encoder, Florence2.CpuGraphs.Encoder(florence, precision));
                yield return (CpuLayout.Decoder, Florence2.CpuGraphs.Decoder(florence, precision));
                break;
            case BlipParameters blip:
                yield return (CpuLayout.Encoder, Blip.CpuGraphs.Encoder(blip, normalization, precision));
                yield return (CpuLayout.Decoder, Blip.CpuGraphs.Decoder(blip.Text, precision, blip.Vision.Positions.Rows));
                break;
            case BlipVqaParameters vqa:
                yield return (CpuLayout.Vision, BlipVqa.CpuGraphs.Vision(vqa, normalization, precision));
                yield return (CpuLayout.Encoder, BlipVqa.CpuGraphs.Encoder(vqa, precision));
                yield return (CpuLayout.Decoder, Blip.CpuGraphs.Decoder(vqa.Answer, precision));
                break;
            case Idefics3Parameters chat:
                yield return (CpuLayout.Vision, Idefics3.CpuGraphs.Vision(chat, normalization, precision));
                yield return (CpuLayout.Embeddings, Idefics3.CpuGraphs.Embeddings(chat.Text, precision));
                yield return (CpuLayout.Decoder, Idefics3.CpuGraphs.Decoder(chat.Text, precision));
                break;
            default:
                throw new NotSupportedException($"{parameters.Family} has no graphs for the CPU");
        }
    }
}
