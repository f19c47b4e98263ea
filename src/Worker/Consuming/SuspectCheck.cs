using VlWorker.Journal;

namespace VlWorker.Consuming;

/// <summary>Whether a message may have killed a process: then it works alone. Whether it has done so again: then it is put away.</summary>
internal sealed class SuspectCheck(CrashJournal journal, JournalOptions options)
{
    /// <summary>
    /// A message that comes for the third time may have killed two workers whose journals this one can't see. Working alone costs it nothing but time;
    /// the count itself blames nobody: the broker raises it when an innocent worker is restarted, and up to 4.2 when a message is given back.
    /// </summary>
    private const int SuspectAfter = 2;

    /// <summary>What the message carries through the stages.</summary>
    public WorkMark MarkOf(Delivery delivery, string id)
    {
        if (!journal.IsOn)
            return new WorkMark(journal, 0, id, returns: true);
        var fingerprint = Fingerprint.Of(delivery.Body, delivery.Properties.MessageId);
        var deaths = journal.DeathsOf(fingerprint, returned: delivery.Redeliveries > 0);
        return new WorkMark(journal, fingerprint, id, returns: true, solo: deaths is not null || delivery.Redeliveries >= SuspectAfter, deaths ?? 0);
    }

    /// <summary>Lets a message go on unless it has killed too many.</summary>
    /// <exception cref="CrashedWorkerException">It has.</exception>
    public void Check(WorkMark mark)
    {
        if (journal.IsOn && mark.Deaths >= options.Deaths)
            throw new CrashedWorkerException($"{mark.Deaths} processes died while they were at work on this message alone");
    }

    /// <summary>The message was answered or put away.</summary>
    public void Settled(WorkMark mark) => journal.Forget(mark.Fingerprint);
}

/// <summary>The message has killed worker processes: it becomes a dead letter before it kills another.</summary>
internal sealed class CrashedWorkerException(string detail) : Exception(detail);
