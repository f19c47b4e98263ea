using VlWorker.Contracts;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>What a task of the model wants to know beside the image.</summary>
internal enum FlorenceInput
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Words.</summary>
    Words,

    /// <summary>A box of four locations.</summary>
    Region,
}

/// <summary>How what the model writes for a task is read.</summary>
internal enum FlorenceAnswer
{
    /// <summary>As a text.</summary>
    Text,

    /// <summary>Labels, each with one or more boxes.</summary>
    Boxes,

    /// <summary>Labels with boxes; labels that name nothing of an image are left out.</summary>
    Phrases,

    /// <summary>Boxes without labels.</summary>
    Proposals,

    /// <summary>Texts, each with a quadrilateral.</summary>
    Quadrilaterals,

    /// <summary>Outlines without labels.</summary>
    Polygons,

    /// <summary>Labels, with outlines where there is one at all, else with boxes.</summary>
    BoxesOrPolygons,
}

/// <summary>A task that the model was trained for, and the words that it knows the task by.</summary>
/// <param name="Token">What a prompt starts with to ask for it.</param>
/// <param name="Template">What the model reads; <see cref="Place"/> stands where the input goes.</param>
/// <param name="Input">What it wants to know.</param>
/// <param name="Answer">How its answer is read.</param>
internal sealed record FlorenceTask(string Token, string Template, FlorenceInput Input, FlorenceAnswer Answer)
{
    /// <summary>Where the input goes.</summary>
    public const string Place = "{input}";

    /// <summary>All tasks, with the prompts of Florence-2's own processor.</summary>
    public static IReadOnlyList<FlorenceTask> All { get; } =
    [
        new("<CAPTION>", "What does the image describe?", FlorenceInput.None, FlorenceAnswer.Text),
        new("<DETAILED_CAPTION>", "Describe in detail what is shown in the image.", FlorenceInput.None, FlorenceAnswer.Text),
        new("<MORE_DETAILED_CAPTION>", "Describe with a paragraph what is shown in the image.", FlorenceInput.None, FlorenceAnswer.Text),
        new("<OCR>", "What is the text in the image?", FlorenceInput.None, FlorenceAnswer.Text),
        new("<OCR_WITH_REGION>", "What is the text in the image, with regions?", FlorenceInput.None, FlorenceAnswer.Quadrilaterals),
        new("<OD>", "Locate the objects with category name in the image.", FlorenceInput.None, FlorenceAnswer.Boxes),
        new("<DENSE_REGION_CAPTION>", "Locate the objects in the image, with their descriptions.", FlorenceInput.None, FlorenceAnswer.Boxes),
        new("<REGION_PROPOSAL>", "Locate the region proposals in the image.", FlorenceInput.None, FlorenceAnswer.Proposals),
        new("<CAPTION_TO_PHRASE_GROUNDING>", "Locate the phrases in the caption: {input}", FlorenceInput.Words, FlorenceAnswer.Phrases),
        new("<REFERRING_EXPRESSION_SEGMENTATION>", "Locate {input} in the image with mask", FlorenceInput.Words, FlorenceAnswer.Polygons),
        new("<OPEN_VOCABULARY_DETECTION>", "Locate {input} in the image.", FlorenceInput.Words, FlorenceAnswer.BoxesOrPolygons),
        new("<REGION_TO_SEGMENTATION>", "What is the polygon mask of region {input}", FlorenceInput.Region, FlorenceAnswer.Polygons),
        new("<REGION_TO_CATEGORY>", "What is the region {input}?", FlorenceInput.Region, FlorenceAnswer.Text),
        new("<REGION_TO_DESCRIPTION>", "What does the region {input} describe?", FlorenceInput.Region, FlorenceAnswer.Text),
        new("<REGION_TO_OCR>", "What text is in the region {input}?", FlorenceInput.Region, FlorenceAnswer.Text),
    ];

    /// <summary>What <see cref="Tasks.Caption"/> means without a prompt.</summary>
    public static FlorenceTask Caption { get; } = Find("<CAPTION>")!;

    /// <summary>What <see cref="Tasks.Detect"/> means without a prompt.</summary>
    public static FlorenceTask Detection { get; } = Find("<OD>")!;

    /// <summary>What <see cref="Tasks.Detect"/> means with words.</summary>
    public static FlorenceTask DetectionOfWords { get; } = Find("<OPEN_VOCABULARY_DETECTION>")!;

    /// <summary>Whether a request that wants a text gets one from it.</summary>
    public bool GivesText => Answer == FlorenceAnswer.Text;

    /// <summary>The task of a token; null where there is none.</summary>
    public static FlorenceTask? Find(string token) => All.FirstOrDefault(task => task.Token == token);
}
