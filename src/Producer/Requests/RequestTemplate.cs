using VlWorker.Contracts;

namespace VlWorker.Producer.Requests;

/// <summary>What a request says itself, over what the command says for all.</summary>
internal static class RequestTemplate
{
    /// <summary>The template with whatever <paramref name="own"/> says in its place. Id, image and job stay the template's: callers know theirs.</summary>
    public static DescribeImage With(this DescribeImage template, DescribeImage own) => template with
    {
        MoreImages = own.MoreImages ?? template.MoreImages,
        Tasks = own.Tasks ?? template.Tasks,
        Models = own.Models ?? template.Models,
        Prompt = own.Prompt ?? template.Prompt,
        Labels = own.Labels ?? template.Labels,
        LabelTemplate = own.LabelTemplate ?? template.LabelTemplate,
        Generation = own.Generation ?? template.Generation,
        EmbeddingEncoding = own.EmbeddingEncoding ?? template.EmbeddingEncoding,
        Deadline = own.Deadline ?? template.Deadline,
        Context = own.Context ?? template.Context,
    };
}
