using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference.Families.Florence2;

namespace VlWorker.Worker.Tests.Inference.Families.Florence2;

public sealed class FlorencePromptTests
{
    [Theory]
    [InlineData(Tasks.Caption, null, "<CAPTION>", "")]
    [InlineData(Tasks.Caption, "", "<CAPTION>", "")]
    [InlineData(Tasks.Caption, " <DETAILED_CAPTION> ", "<DETAILED_CAPTION>", "")]
    [InlineData(Tasks.Caption, "<MORE_DETAILED_CAPTION>", "<MORE_DETAILED_CAPTION>", "")]
    [InlineData(Tasks.Answer, "<OCR>", "<OCR>", "")]
    [InlineData(Tasks.Answer, "<REGION_TO_CATEGORY><loc_0><loc_10><loc_500><loc_999>", "<REGION_TO_CATEGORY>", "<loc_0><loc_10><loc_500><loc_999>")]
    [InlineData(Tasks.Detect, null, "<OD>", "")]
    [InlineData(Tasks.Detect, "<DENSE_REGION_CAPTION>", "<DENSE_REGION_CAPTION>", "")]
    [InlineData(Tasks.Detect, "a red car", "<OPEN_VOCABULARY_DETECTION>", "a red car")]
    [InlineData(Tasks.Detect, "<CAPTION_TO_PHRASE_GROUNDING> A cat and a dog.", "<CAPTION_TO_PHRASE_GROUNDING>", "A cat and a dog.")]
    public void A_request_comes_down_to_a_task_and_its_input(string task, string? prompt, string token, string input) =>
        Assert.Equal(new FlorencePrompt(FlorenceTask.Find(token), input), FlorencePrompt.Of(task, prompt));

    [Theory]
    [InlineData(Tasks.Answer, "What colour is the car?")]
    [InlineData(Tasks.Caption, "Describe the sky.")]
    [InlineData(Tasks.Caption, " Spaces are words, too. ")]
    [InlineData(Tasks.Answer, "What does <OD> mean?")]
    [InlineData(Tasks.Answer, "<b>what</b> is it?")]
    public void Other_words_are_asked_as_they_are(string task, string prompt) =>
        Assert.Equal(new FlorencePrompt(null, prompt), FlorencePrompt.Of(task, prompt));

    [Theory]
    [InlineData(Tasks.Answer, null, "the question is empty")]
    [InlineData(Tasks.Answer, " \t", "the question is empty")]
    [InlineData(Tasks.Caption, "<DETAILLED_CAPTION>", "there is no task <DETAILLED_CAPTION>: there are <CAPTION>, <DETAILED_CAPTION>,")]
    [InlineData(Tasks.Detect, "<OD> cats", "<OD> takes nothing behind it")]
    [InlineData(Tasks.Detect, "<OPEN_VOCABULARY_DETECTION>", "<OPEN_VOCABULARY_DETECTION> wants words behind it")]
    [InlineData(Tasks.Caption, "<OD>", "<OD> gives regions: ask for the task detect")]
    [InlineData(Tasks.Detect, "<CAPTION>", "<CAPTION> gives a text: ask for the task caption or answer")]
    [InlineData(Tasks.Answer, "<REGION_TO_OCR> the left one", "<REGION_TO_OCR> wants a box behind it")]
    [InlineData(Tasks.Answer, "<REGION_TO_OCR><loc_1><loc_2><loc_3>", "<REGION_TO_OCR> wants a box behind it")]
    [InlineData(Tasks.Answer, "<REGION_TO_OCR><loc_1><loc_2><loc_3><loc_1000>", "<REGION_TO_OCR> wants a box behind it")]
    [InlineData(Tasks.Answer, "<REGION_TO_OCR><loc_1><loc_2><loc_3><loc_04>", "<REGION_TO_OCR> wants a box behind it")]
    [InlineData(Tasks.Answer, "<REGION_TO_OCR><loc_1><loc_2><loc_3><loc_4></s>", "<REGION_TO_OCR> wants a box behind it")]
    public void What_makes_no_sense_is_rejected_with_the_reason(string task, string? prompt, string detail)
    {
        var error = Assert.Throws<RejectedException>(() => FlorencePrompt.Of(task, prompt));
        Assert.Equal(RejectionReason.BadRequest, error.Reason);
        Assert.StartsWith(detail, error.Message, StringComparison.Ordinal);
    }
}
