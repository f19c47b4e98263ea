namespace VlWorker.Producer.DeadLetters;

/// <summary>Which letters are meant; what is null does not matter.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Job">The job.</param>
/// <param name="Id">The request's id or the message-id.</param>
internal sealed record DeadLetterFilter(string? Reason, string? Job, string? Id)
{
    /// <summary>Whether every letter is meant.</summary>
    public bool IsEverything => Reason is null && Job is null && Id is null;

    /// <summary>Whether a letter is meant.</summary>
    public bool Matches(DeadLetter letter) => (Reason is null || letter.Reason == Reason)
        && (Job is null || letter.JobId == Job)
        && (Id is null || letter.Id == Id || letter.Properties.MessageId == Id);
}
