namespace VlWorker.Producer.Requests;

/// <summary>A request ready to be published.</summary>
/// <param name="Number">Its place in the input, from 1.</param>
/// <param name="Id">Its id.</param>
/// <param name="RoutingKey">Routing key on the requests' exchange.</param>
/// <param name="Body">UTF-8 JSON.</param>
internal sealed record OutgoingRequest(long Number, string Id, string RoutingKey, byte[] Body);
